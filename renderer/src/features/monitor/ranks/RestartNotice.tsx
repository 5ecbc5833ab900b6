import { Alert, List, Text } from '@mantine/core';
import { IconRefreshAlert } from '@tabler/icons-react';
import type { Restart, RunStatus } from '../../../../../electron/shared/runs/events.ts';
import { checkpointStep } from '../../../../../electron/shared/runs/run-folder.ts';
import { formatWhen } from '../../../charts/format.ts';
import { formatInteger } from '../../../components/format.ts';

const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

/** "continued from step 40 because rank 5 ... was ended by signal 9." */
export function restartText({ checkpoint, error }: Restart): string {
  const step = checkpoint === null ? null : checkpointStep(checkpoint);
  const how = step === null ? 'began again at step 0' : `continued from step ${formatInteger(step)}`;
  return `${how} because ${lower(error.message)}`;
}

interface Props {
  readonly status: RunStatus;
  /** `recovery.max_restarts`; null while the spec is not known. */
  readonly most: number | null;
}

/** That the run was started again by itself, why and from where; the newest first. */
export function RestartNotice({ status, most }: Props) {
  const { restarts } = status;
  const newest = restarts.at(-1);
  if (!newest) return null;
  // Attempts count resumes by hand as well, restarts are those of the last of them.
  const attempt = (k: number) =>
    `Attempt ${status.attempt - (restarts.length - 1 - k)}, restart ${k + 1}${most === null ? '' : ` of ${most}`}`;
  return (
    <Alert
      color="yellow"
      mb="lg"
      role="status"
      icon={<IconRefreshAlert aria-hidden />}
      title={`${attempt(restarts.length - 1)}: ${restartText(newest)}`}
      styles={{ title: { color: 'var(--collie-warn)' } }}
    >
      <Text size="sm">It was started again {formatWhen(newest.at)}.</Text>
      {restarts.length > 1 && (
        <List size="sm" mt={4}>
          {restarts
            .slice(0, -1)
            .map((restart, k) => (
              <List.Item key={restart.at}>
                {attempt(k)}: {restartText(restart)}
              </List.Item>
            ))
            .reverse()}
        </List>
      )}
    </Alert>
  );
}
