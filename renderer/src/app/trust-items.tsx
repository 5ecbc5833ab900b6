/** What the user is asked to allow, drawn: a row for each kind (electron/shared/api/trust.ts). */
import { Box, Code, List, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Shown, TrustName } from '../../../electron/shared/api/trust.ts';
import classes from './trust-items.module.css';

interface TrustItem<One> {
  /** Width of the dialog. */
  size: 'lg' | 'xl';
  draw(one: One): ReactNode;
}

export const trustItems: { readonly [K in TrustName]: TrustItem<Shown[K]> } = {
  callbacks: { size: 'xl', draw: (one) => <Callback {...one} /> },
  judges: { size: 'lg', draw: (one) => <Judge {...one} /> },
};

const Name = ({ children }: { children: string }) => (
  <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
    {children}
  </Text>
);

function Callback({ path, sha256, text, problem }: Shown['callbacks']) {
  return (
    <Box>
      <Name>{path}</Name>
      {problem ? (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {problem.message} {problem.hint}
        </Text>
      ) : (
        <>
          <Text size="xs" c="dimmed">
            SHA-256 {sha256.slice(0, 16)}…
          </Text>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
          <section className={classes.code} aria-label={`Code of ${path}`} tabIndex={0}>
            <Code block>{text}</Code>
          </section>
        </>
      )}
    </Box>
  );
}

function Judge({ origin, keyEnv, model, sets }: Shown['judges']) {
  return (
    <div>
      <Name>{origin}</Name>
      <List size="sm" mt={4}>
        <List.Item>
          Model <Code>{model}</Code>
        </List.Item>
        <List.Item>
          {sets.length === 1 ? `Evaluation set ${sets[0]}` : `Evaluation sets ${sets.join(', ')}`}
        </List.Item>
        <List.Item>
          {keyEnv === null ? (
            'Without a key'
          ) : (
            <>
              With the key that the environment variable <Code>{keyEnv}</Code> holds
            </>
          )}
        </List.Item>
      </List>
    </div>
  );
}
