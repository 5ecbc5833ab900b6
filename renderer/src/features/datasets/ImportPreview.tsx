import { Alert, List, Radio, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import type { DatasetPreview } from '../../../../electron/shared/api/entities.ts';
import { unusableSentences } from '../../../../electron/shared/api/unusable-rows.ts';
import { Facts } from '../../components/Facts.tsx';
import { formatBytes, plural } from '../../components/format.ts';
import { CellValue } from './CellValue.tsx';
import classes from './ImportPreview.module.css';

export type Unusable = 'keep' | 'leave_out';

interface Props {
  readonly preview: DatasetPreview;
  /** What becomes of rows that cannot be trained on. */
  readonly unusable: Unusable;
  readonly onUnusable: (choice: Unusable) => void;
}

/** What an import would bring: rows, columns, and everything that is wrong with them, before it is done. */
export function ImportPreview({ preview, unusable, onUnusable }: Props) {
  const { format, rows, sizeBytes, columns, sample } = preview;
  return (
    <Stack gap="md" component="section" aria-label="Preview">
      <Facts
        columns={3}
        facts={[
          ['Rows', plural(rows, 'row')],
          ['Format', `${format.toUpperCase()}, ${formatBytes(sizeBytes)}`],
          ['Read as', readAs(preview)],
        ]}
      />
      <Problems preview={preview} />
      {preview.unusable.length > 0 && (
        <Radio.Group
          label="Rows that cannot be trained on"
          value={unusable}
          onChange={(value) => onUnusable(value as Unusable)}
        >
          <Stack gap={6} mt={6}>
            <Radio value="keep" label="Keep them: each run says whether it refuses them or leaves them out" />
            <Radio value="leave_out" label="Leave them out of the import" />
          </Stack>
        </Radio.Group>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable with the keyboard */}
      <section className={classes.sample} tabIndex={0} aria-label="The first rows">
        <table>
          <thead>
            <tr>
              {columns.map(({ name, type }) => (
                <th key={name} scope="col">
                  {name} <span>{type}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sample.map((row, k) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows of a file have no other name than their place
              <tr key={k}>
                {columns.map(({ name }) => (
                  <td key={name}>
                    <CellValue value={row[name]} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Stack>
  );
}

function readAs({ mapping }: DatasetPreview): string {
  if (mapping === null) return 'Columns to be chosen';
  return mapping.kind === 'chat' ? `Chat in ${mapping.messages}` : `${mapping.prompt} → ${mapping.answer}`;
}

/** Counted, with the rows; or that there is nothing to say. */
function Problems({ preview }: { preview: DatasetPreview }) {
  const { mapping, notes, unusable, unused, rows } = preview;
  const problems = [
    ...(mapping === null
      ? [
          'Which columns hold prompt and answer cannot be told from their names: choose them after the import.',
        ]
      : []),
    ...notes,
    ...unusableSentences(unusable, rows),
  ];
  return (
    <>
      {problems.length === 0 ? (
        <Alert color="green" icon={<IconCircleCheck aria-hidden />} title="No problems found" />
      ) : (
        <Alert
          color="yellow"
          icon={<IconAlertTriangle aria-hidden />}
          title={plural(problems.length, 'problem')}
        >
          <List size="sm" spacing={4}>
            {problems.map((sentence) => (
              <List.Item key={sentence}>{sentence}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      {unused.map((sentence) => (
        <Text key={sentence} size="sm" c="dimmed">
          {sentence}
        </Text>
      ))}
    </>
  );
}
