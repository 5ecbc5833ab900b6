import { Code } from '@mantine/core';

/** A text of the schema with its `code` set as such. */
export function InlineCode({ text }: { text: string }) {
  return text.split('`').map((part, k) =>
    k % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts have no identity but their place
      <Code key={k} fz="inherit" px={4}>
        {part}
      </Code>
    ) : (
      part
    ),
  );
}
