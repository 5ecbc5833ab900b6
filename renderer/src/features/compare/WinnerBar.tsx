/** The best of the groups, and what to do with it. */
import { Button, Group, Text } from '@mantine/core';
import {
  IconCopy,
  IconMessages,
  IconPackageExport,
  IconPlayerTrackNext,
  IconTrophy,
} from '@tabler/icons-react';
import type { Verdict } from '../../../../electron/shared/runs/comparison.ts';
import { href } from '../../app/route.ts';
import { Swatch } from '../../charts/Swatch.tsx';
import { useStore } from '../../store/context.tsx';
import { allowedActions } from '../runs/run-view.ts';
import { usePageRunCommands } from '../runs/use-run-commands.tsx';
import classes from './Compare.module.css';
import type { Compared, LookedGroup } from './compared.ts';
import { useActions } from './use-actions.ts';

const icon = { size: 15, 'aria-hidden': true } as const;

/**
 * The candidate that is better than the baseline by most; the baseline itself where nothing that can be compared is better. null:
 * nothing can be compared.
 */
export function winnerOf(
  groups: readonly LookedGroup[],
  verdicts: readonly Verdict[],
): { group: LookedGroup; sure: boolean } | null {
  const compared = verdicts.filter(({ outcome }) => outcome !== 'not_comparable');
  if (compared.length === 0) return null;
  const lead = ({ tests: [loss] }: Verdict) => loss?.difference ?? 0;
  const better = compared.filter(({ outcome }) => outcome === 'better').sort((a, b) => lead(a) - lead(b));
  const key = better[0]?.candidate;
  const group = groups.find((one) => (key === undefined ? one.baseline : one.key === key));
  return group
    ? { group, sure: key !== undefined || compared.every(({ outcome }) => outcome === 'worse') }
    : null;
}

export function WinnerBar({ compared, verdicts }: { compared: Compared; verdicts: Verdict[] | null }) {
  const winner = verdicts && winnerOf(compared.groups, verdicts);
  if (!winner) return null;
  return <Winner {...winner} baseline={compared.baseline} />;
}

function Winner(props: { group: LookedGroup; sure: boolean; baseline: LookedGroup | null }) {
  const { group, sure, baseline } = props;
  const actions = useActions();
  const commands = usePageRunCommands();
  const status = useStore((s) => s.runs?.[group.key]);
  const trained = status ? allowedActions(status).has('export') : false;
  const beside = baseline && baseline !== group ? `${baseline.key},${group.key}` : group.key;
  return (
    <Group gap="sm" role="toolbar" aria-label="The best so far" className={classes.card ?? ''}>
      <IconTrophy size={18} aria-hidden />
      <Text size="sm" mr="auto">
        {sure ? 'Best' : 'Nothing is better than'}: <Swatch line={group.look} />{' '}
        <Text span fw={600}>
          {group.title}
        </Text>
      </Text>
      <Button size="xs" leftSection={<IconCopy {...icon} />} onClick={() => void actions.clone(group.key)}>
        New run like this
      </Button>
      <Button
        size="xs"
        variant="default"
        disabled={!trained}
        leftSection={<IconPlayerTrackNext {...icon} />}
        onClick={() => void actions.goOn(group.key)}
      >
        Continue
      </Button>
      <Button
        size="xs"
        variant="default"
        disabled={!trained}
        leftSection={<IconPackageExport {...icon} />}
        onClick={() => status && commands.exportFrom(status)}
      >
        Export…
      </Button>
      <Button
        size="xs"
        variant="default"
        component="a"
        href={href('playground', { run: beside })}
        leftSection={<IconMessages {...icon} />}
      >
        {beside.includes(',') ? 'Both in the Playground' : 'Playground'}
      </Button>
    </Group>
  );
}
