/** The best of the groups, and what to do with it. */
import { Button, Group, Text } from '@mantine/core';
import {
  IconCopy,
  IconMessages,
  IconPackageExport,
  IconPlayerTrackNext,
  IconTrophy,
} from '@tabler/icons-react';
import { evaluatedTitle, type Verdict } from '../../../../electron/shared/runs/comparison.ts';
import { href } from '../../app/route.ts';
import { Swatch } from '../../charts/Swatch.tsx';
import { useStore } from '../../store/context.tsx';
import { allowedActions } from '../runs/run-view.ts';
import { usePageRunCommands } from '../runs/use-run-commands.tsx';
import classes from './Compare.module.css';
import type { Compared, LookedGroup } from './compared.ts';
import { useActions } from './use-actions.ts';

const icon = { size: 15, 'aria-hidden': true } as const;

export interface Winner {
  group: LookedGroup;
  sure: boolean;
  /** Sets on which it is worse than the baseline all the same. */
  worseOn: string[];
}

/**
 * The candidate that is better than the baseline by most, on the first set by which something can be compared; the baseline itself where nothing is
 * better. null: nothing can be compared.
 */
export function winnerOf(groups: readonly LookedGroup[], verdicts: readonly Verdict[]): Winner | null {
  const comparable = verdicts.filter(({ outcome }) => outcome !== 'not_comparable');
  const set = verdicts.map((one) => one.set).find((name) => comparable.some((one) => one.set === name));
  const compared = comparable.filter((one) => one.set === set);
  if (compared.length === 0) return null;
  const lead = ({ tests: [first] }: Verdict) =>
    first ? (first.better === 'lower' ? -first.difference : first.difference) : 0;
  const [best] = compared.filter(({ outcome }) => outcome === 'better').sort((a, b) => lead(b) - lead(a));
  const group = groups.find((one) => (best ? one.key === best.candidate : one.baseline));
  if (!group) return null;
  const worse = verdicts.filter(
    ({ candidate, outcome }) => candidate === best?.candidate && outcome === 'worse',
  );
  return {
    group,
    sure: best !== undefined || compared.every(({ outcome }) => outcome === 'worse'),
    worseOn: worse.map((one) => evaluatedTitle(one.set)),
  };
}

export function WinnerBar({ compared, verdicts }: { compared: Compared; verdicts: Verdict[] | null }) {
  const winner = verdicts && winnerOf(compared.groups, verdicts);
  if (!winner) return null;
  return <Actions {...winner} baseline={compared.baseline} />;
}

function Actions(props: Winner & { baseline: LookedGroup | null }) {
  const { group, sure, worseOn, baseline } = props;
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
        {worseOn.length > 0 && `, but worse on ${worseOn.join(', ')}`}
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
