import { Text } from '@mantine/core';
import type { SweepPreview } from '../../../../electron/shared/spec/sweep-preview.ts';
import { formatBytes, formatEta } from '../../components/format.ts';
import { issueText } from '../compose/issues.ts';
import classes from './Sweeps.module.css';
import { settingTitle, sweptPaths, writtenValue } from './sweep-points.ts';

/** All points in a box of its own that scrolls; what is wrong with one stands below its values. */
export function PreviewTable({ points }: { points: SweepPreview['points'] }) {
  const paths = sweptPaths(points);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reached by keyboard
    <section className={classes.scroll} tabIndex={0} aria-label="All points">
      <table className={classes.points}>
        <thead>
          <tr>
            {paths.map((path) => (
              <th key={path} scope="col" title={path}>
                {settingTitle(path)}
              </th>
            ))}
            <th scope="col" data-right>
              Runs
            </th>
            <th scope="col" data-right>
              Time of one
            </th>
            <th scope="col" data-right>
              Memory
            </th>
          </tr>
        </thead>
        <tbody>
          {points.map(({ values, again, runs, issues, seconds, memoryBytes }) => (
            <tr key={JSON.stringify(values)} data-wrong={issues.length > 0 || undefined}>
              {paths.map((path, k) => (
                <td key={path}>
                  {writtenValue(values[path])}
                  {k === 0 && issues.length > 0 && (
                    <Text size="xs" c="var(--collie-bad)">
                      {[
                        ...new Set(issues.map((issue) => `${settingTitle(issue.path)}: ${issueText(issue)}`)),
                      ].join(' ')}
                    </Text>
                  )}
                  {k === 0 && again > 0 && (
                    <Text size="xs" c="dimmed">
                      Made {again + 1} times, counts once
                    </Text>
                  )}
                </td>
              ))}
              <td data-right>{runs}</td>
              <td data-right>{seconds === null ? '–' : formatEta(seconds)}</td>
              <td data-right>{memoryBytes === null ? '–' : formatBytes(memoryBytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
