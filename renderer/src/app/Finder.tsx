/** Ctrl+K (or Cmd+K): goes to any page, run, model or dataset, and does what has no page of its own. */
import { Text, useMantineColorScheme } from '@mantine/core';
import { createSpotlight, Spotlight } from '@mantine/spotlight';
import {
  type Icon,
  IconBolt,
  IconBox,
  IconChartLine,
  IconDatabase,
  IconFile,
  IconSearch,
} from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { useStore } from '../store/context.tsx';
import { type FinderAction, type FinderEntry, type FinderKind, find } from './finder-entries.ts';
import { allPlaces } from './places.ts';
import { href, navigate } from './route.ts';
import classes from './Shell.module.css';

const [store, actions] = createSpotlight();
/** Opens and closes the search from elsewhere. */
export const finder = actions;

const icons: Record<FinderKind, Icon> = {
  page: IconFile,
  action: IconBolt,
  run: IconChartLine,
  model: IconBox,
  dataset: IconDatabase,
};
const iconOf = ({ kind, to }: FinderEntry): Icon =>
  (kind === 'page' && allPlaces.find(({ part }) => href(...(part ? [part] : [])) === to)?.icon) ||
  icons[kind];

export function Finder() {
  const [query, setQuery] = useState('');
  return (
    <Spotlight.Root
      store={store}
      query={query}
      onQueryChange={setQuery}
      shortcut="mod + K"
      // Where one types, Ctrl+K has no other meaning here.
      tagsToIgnore={[]}
      scrollable
      maxHeight={460}
      overlayProps={{ backgroundOpacity: 0.45, blur: 0 }}
      attributes={{ content: { 'aria-label': 'Find' } }}
      classNames={{ action: classes.found ?? '', actionsGroup: classes.foundGroup ?? '' }}
    >
      <Spotlight.Search
        placeholder="Find a page, run, model, dataset or action"
        aria-label="Find a page, run, model, dataset or action"
        leftSection={<IconSearch size={18} stroke={1.75} aria-hidden />}
      />
      <Results query={query} />
    </Spotlight.Root>
  );
}

/** Only there while the search is open: the lists are not watched otherwise. */
function Results({ query }: { query: string }) {
  const runs = useStore((s) => s.runs);
  const models = useStore((s) => s.models);
  const datasets = useStore((s) => s.datasets);
  const groups = useMemo(() => find(query, { runs, models, datasets }), [query, runs, models, datasets]);
  const act = useActions();
  return (
    <Spotlight.ActionsList aria-label="Found">
      {groups.map(({ kind, title, entries, more }) => (
        <Spotlight.ActionsGroup key={kind} label={title}>
          {entries.map((entry) => {
            const Glyph = iconOf(entry);
            return (
              <Spotlight.Action
                key={entry.id}
                label={entry.label}
                {...(entry.description ? { description: entry.description } : {})}
                leftSection={<Glyph size={18} stroke={1.75} aria-hidden />}
                onClick={() => (kind === 'action' ? act[entry.to as FinderAction]() : navigate(entry.to))}
              />
            );
          })}
          {more > 0 && (
            <Text size="xs" c="dimmed" px="sm" py={4}>
              and {more} more; type to narrow
            </Text>
          )}
        </Spotlight.ActionsGroup>
      ))}
      {groups.length === 0 && <Spotlight.Empty>Nothing is called "{query}"</Spotlight.Empty>}
    </Spotlight.ActionsList>
  );
}

function useActions(): Record<FinderAction, () => void> {
  const { setColorScheme } = useMantineColorScheme();
  const openImport = useStore((s) => s.openImport);
  return {
    'import-model': () => openImport('model'),
    'import-dataset': () => openImport('dataset'),
    'scheme-light': () => setColorScheme('light'),
    'scheme-dark': () => setColorScheme('dark'),
    'scheme-auto': () => setColorScheme('auto'),
  };
}
