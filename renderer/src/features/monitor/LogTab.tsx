/** The log: follows its end until the reader scrolls up, and draws only the lines that are seen. */
import { Button, Group, Loader, Stack, Text, TextInput } from '@mantine/core';
import { IconArrowDown, IconSearch } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type UIEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatInteger } from '../../components/format.ts';
import { CopyField } from '../export/CopyField.tsx';
import { matchingLines, shownLines, splitAtHits } from './log-lines.ts';
import classes from './Monitor.module.css';
import { useRunLog } from './use-run-log.ts';

interface Props {
  id: string;
  live: boolean;
  /** The file, for those who want the whole of it. */
  path: string | null;
  /** Whose log, where it is not that of the run. */
  callback?: string;
}

const LINE_HEIGHT = 18;
/** This near to the end counts as being there. */
const END_SLACK = 24;

export function LogTab({ id, live, path, callback }: Props) {
  const { log, complete, error } = useRunLog(id, live, callback ?? null);
  const [search, setSearch] = useState('');
  const [following, setFollowing] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const wanted = useDeferredValue(search);
  const lines = useMemo(() => shownLines(log), [log]);
  const matches = useMemo(() => matchingLines(lines, wanted), [lines, wanted]);
  const count = matches?.length ?? lines.length;
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 20,
  });

  useEffect(() => {
    if (following && count > 0) virtual.scrollToIndex(count - 1, { align: 'end' });
  }, [following, count, virtual]);

  const scrolled = (event: UIEvent<HTMLDivElement>) => {
    const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
    setFollowing(scrollTop + clientHeight >= scrollHeight - END_SLACK);
  };

  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Group gap="sm">
          <TextInput
            w={280}
            aria-label="Search the log"
            placeholder="Show only lines with…"
            leftSection={<IconSearch size={16} aria-hidden />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          <Text size="sm" c="dimmed" role="status">
            {matches ? `${formatInteger(matches.length)} of ` : ''}
            {formatInteger(lines.length)} lines
            {log.dropped > 0 ? `, ${formatInteger(log.dropped)} earlier ones only in the file` : ''}
          </Text>
          {!complete && <Loader size="xs" aria-label="Reading the log" />}
        </Group>
        <Button
          size="xs"
          variant="default"
          disabled={following}
          leftSection={<IconArrowDown size={14} aria-hidden />}
          onClick={() => setFollowing(true)}
        >
          {following ? 'Following the end' : 'Follow the end'}
        </Button>
      </Group>
      {error && <ErrorView info={error} title="The log could not be read" />}
      <section
        ref={box}
        className={classes.log}
        onScroll={scrolled}
        aria-label="Log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
      >
        {complete && count === 0 && (
          <Text size="sm" c="dimmed" p="md">
            {matches ? 'No line contains this text.' : 'Nothing has been written yet.'}
          </Text>
        )}
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const line = lines[matches ? (matches[item.index] ?? -1) : item.index] ?? '';
            return (
              <div
                key={item.key}
                className={classes.logLine}
                style={{ top: item.start, height: LINE_HEIGHT, lineHeight: `${LINE_HEIGHT}px` }}
              >
                <Highlighted line={line} search={wanted} />
              </div>
            );
          })}
        </div>
      </section>
      {path && <CopyField label="the path of the log" text={path} />}
    </Stack>
  );
}

function Highlighted({ line, search }: { line: string; search: string }) {
  const parts = splitAtHits(line, search);
  if (parts.length === 1) return line;
  // biome-ignore lint/suspicious/noArrayIndexKey: parts never move within their line, so their place is their name
  return parts.map((part, i) => (i % 2 === 1 ? <mark key={`${i}:${part}`}>{part}</mark> : part));
}
