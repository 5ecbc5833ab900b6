/** Two more seeds of each side of a verdict that one seed cannot carry: as specs to start, or to keep. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { IconDownload, IconPlayerPlay, IconPlaylistAdd } from '@tabler/icons-react';
import { useState } from 'react';
import type { RunSpec } from '../../../../electron/shared/spec/run-spec.ts';
import { download } from '../../charts/download.ts';
import { Swatch } from '../../charts/Swatch.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { useStore } from '../../store/context.tsx';
import type { Compared, LookedGroup } from './compared.ts';
import { useActions } from './use-actions.ts';
import { useAnswer } from './use-answer.ts';

/** Seeds to train beside those that are there, the same for both sides, so that they can be paired. */
export function newSeeds(known: readonly (number | null)[]): [number, number] {
  const highest = Math.max(0, ...known.map((seed) => seed ?? 0));
  return [highest + 1, highest + 2];
}

interface Props {
  groups: readonly [LookedGroup, LookedGroup];
  compared: Compared;
  onClose: () => void;
}

export function SeedsDialog({ groups, compared, onClose }: Props) {
  const seeds = newSeeds(
    groups.flatMap((group) => group.runs.map((id) => compared.runs.get(id)?.seed ?? null)),
  );
  return (
    <Modal opened onClose={onClose} title="Two more seeds of each" size="lg">
      <Stack gap="md">
        <Text size="sm">
          Trained once, a run may be better by luck of its seed. With two more of each, the same seeds on both
          sides, the verdict can tell.
        </Text>
        {groups.map((group) => (
          <Side key={group.key} group={group} seeds={seeds} />
        ))}
      </Stack>
    </Modal>
  );
}

function Side({ group, seeds }: { group: LookedGroup; seeds: readonly number[] }) {
  const { data, error } = useAnswer('runs.get', { id: group.key });
  const actions = useActions();
  if (error) return <ErrorView info={error} title={`The settings of ${group.title} could not be read`} />;
  const withSeed = (spec: RunSpec, seed: number) => ({ ...spec, seed, name: `${spec.name}, seed ${seed}` });
  return (
    <section aria-label={group.title}>
      <Text size="sm" fw={600} mb={4}>
        <Swatch line={group.look} /> {group.title}
      </Text>
      {seeds.map((seed) => (
        <Group key={seed} gap="xs" mb={4}>
          <Text size="sm" w={70}>
            Seed {seed}
          </Text>
          <QueueButton
            label={`Add to the queue: ${group.title}, seed ${seed}`}
            spec={data ? withSeed(data.spec, seed) : null}
          />
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlayerPlay size={14} aria-hidden />}
            aria-label={`Open in the form: ${group.title}, seed ${seed}`}
            onClick={() => actions.clone(group.key, { label: `seed ${seed}`, values: [['seed', seed]] })}
          >
            Open in the form
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} aria-hidden />}
            aria-label={`Save the spec: ${group.title}, seed ${seed}`}
            disabled={!data}
            onClick={() => {
              if (data)
                download(
                  `${group.key}-seed-${seed}.json`,
                  'application/json',
                  `${JSON.stringify(withSeed(data.spec, seed), null, 2)}\n`,
                );
            }}
          >
            Save the spec
          </Button>
        </Group>
      ))}
    </section>
  );
}

/** Once: a run that waits already is not to wait twice. */
function QueueButton({ label, spec }: { label: string; spec: RunSpec | null }) {
  const add = useStore((s) => s.queueRun);
  const report = useStore((s) => s.report);
  const [state, setState] = useState<'ready' | 'adding' | 'added'>('ready');
  return (
    <Button
      size="xs"
      leftSection={<IconPlaylistAdd size={14} aria-hidden />}
      aria-label={label}
      loading={state === 'adding'}
      disabled={!spec || state === 'added'}
      onClick={async () => {
        setState('adding');
        try {
          await add(spec);
          setState('added');
        } catch (thrown) {
          setState('ready');
          report('The run could not be put into the queue', thrown);
        }
      }}
    >
      {state === 'added' ? 'In the queue' : 'Add to the queue'}
    </Button>
  );
}
