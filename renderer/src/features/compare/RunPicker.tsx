import { MultiSelect } from '@mantine/core';
import { useMemo } from 'react';
import { MAX_COMPARED } from '../../../../electron/shared/runs/comparison.ts';
import { useStore } from '../../store/context.tsx';
import { stateLabel } from '../runs/RunStateBadge.tsx';

interface Props {
  chosen: readonly string[];
  onChange: (ids: string[]) => void;
  /** Not offered. */
  without?: readonly string[];
  size?: 'xs' | 'sm';
  placeholder?: string;
}

/** Runs by their names, newest first; live ones too. */
export function RunPicker({ chosen, onChange, without = [], size = 'sm', placeholder }: Props) {
  const runs = useStore((s) => s.runs);
  const data = useMemo(() => {
    const hidden = new Set(without);
    return Object.values(runs ?? {})
      .filter(({ id }) => !hidden.has(id))
      .sort((a, b) => b.createdAt.localeCompare(a.createdAt))
      .map(({ id, name, state }) => ({ value: id, label: `${name} (${stateLabel(state).toLowerCase()})` }));
  }, [runs, without]);
  return (
    <MultiSelect
      size={size}
      w={size === 'xs' ? 250 : 'min(560px, 100%)'}
      aria-label="Runs"
      placeholder={chosen.length === 0 ? (placeholder ?? 'Choose runs') : ''}
      data={data}
      value={[...chosen]}
      onChange={onChange}
      maxValues={MAX_COMPARED}
      limit={100}
      searchable
      hidePickedOptions
    />
  );
}
