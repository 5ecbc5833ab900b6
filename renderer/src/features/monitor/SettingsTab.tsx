import { Button, CopyButton, Group, Stack, Text, Title } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { ChangePoint, RunSeries } from '../../../../electron/shared/runs/series.ts';
import type { RunSpec } from '../../../../electron/shared/spec/run-spec.ts';
import { formatInteger, formatNumber } from '../../components/format.ts';
import { Hint } from '../../components/Hint.tsx';
import classes from './Monitor.module.css';
import { flatten, settingGroups } from './settings-rows.ts';

export function SettingsTab({
  spec,
  series: { changes, attempts },
}: {
  spec: RunSpec;
  series: Pick<RunSeries, 'changes' | 'attempts'>;
}) {
  const level = attempts.at(-1)?.activation_checkpointing;
  const groups = useMemo(() => settingGroups(spec, level), [spec, level]);
  return (
    <Stack gap="lg" maw={900}>
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          Everything that defines this run. Values in bold differ from the defaults.
        </Text>
        <CopyJson label="Copy as JSON" value={spec} />
      </Group>
      {changes.length > 0 && <Changed changes={changes} />}
      {groups.map((group) => (
        <section key={group.title} aria-label={group.title}>
          <Title order={2} size="h3" mb={4}>
            {group.title}
          </Title>
          <table className={classes.settings}>
            <tbody>
              {group.rows.map((row) => (
                <tr key={row.path}>
                  <th scope="row">
                    <Hint label={row.help} disabled={row.help === ''} position="top-start">
                      <span>{row.title}</span>
                    </Hint>
                  </th>
                  <td>{row.changed ? <strong>{row.value}</strong> : row.value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
    </Stack>
  );
}

/** What a live run was told on its way; the settings below are those that it began with. */
const Changed = ({ changes }: { changes: readonly ChangePoint[] }) => (
  <section aria-label="Changed while it trained">
    <Title order={2} size="h3" mb={4}>
      Changed while it trained
    </Title>
    <table className={classes.settings}>
      <tbody>
        {changes.map(({ step, learning_rate, total_steps }) => (
          <tr key={`${step}/${learning_rate}/${total_steps}`}>
            <th scope="row">After step {formatInteger(step)}</th>
            <td>
              Learning rate {formatNumber(learning_rate)}, {formatInteger(total_steps)} steps in all
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

/** What the run was made with: versions, devices, seeds. */
export function EnvironmentTab({ environment }: { environment: Readonly<Record<string, unknown>> }) {
  const rows = useMemo(() => flatten(environment), [environment]);
  return (
    <Stack gap="lg" maw={900}>
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          Recorded when the run started, for those who want to repeat it.
        </Text>
        <CopyJson label="Copy as JSON" value={environment} />
      </Group>
      {rows.length === 0 ? (
        <Text size="sm">Nothing has been recorded yet.</Text>
      ) : (
        <table className={classes.settings}>
          <tbody>
            {rows.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Stack>
  );
}

function CopyJson({ label, value }: { label: string; value: unknown }) {
  return (
    <CopyButton value={JSON.stringify(value, null, 2)}>
      {({ copied, copy }) => (
        <Button
          size="xs"
          variant="default"
          leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
          onClick={copy}
        >
          {copied ? 'Copied' : label}
        </Button>
      )}
    </CopyButton>
  );
}
