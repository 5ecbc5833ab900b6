/** Actions of one run in a list. */
import { ActionIcon, Menu } from '@mantine/core';
import {
  IconCopy,
  IconDots,
  IconMessages,
  IconPackageExport,
  IconPlayerPlay,
  IconPlayerStop,
  IconReportAnalytics,
  IconStack2,
  IconTrash,
} from '@tabler/icons-react';
import { useState } from 'react';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import classes from './Runs.module.css';
import { allowedActions } from './run-view.ts';
import { usePageRunCommands } from './use-run-commands.tsx';

const icon = { size: 16, 'aria-hidden': true } as const;

/** The menu itself is made when it is first opened: a list has hundreds of rows. */
export function RunMenu({ run }: { run: RunStatus }) {
  const [used, setUsed] = useState(false);
  if (used) return <OpenedMenu run={run} />;
  return (
    <button
      type="button"
      className={`${classes.more} ${classes.dots}`}
      aria-label={`Actions for ${run.name}`}
      aria-haspopup="menu"
      onClick={() => setUsed(true)}
    />
  );
}

function OpenedMenu({ run }: { run: RunStatus }) {
  const commands = usePageRunCommands();
  const allowed = allowedActions(run);
  return (
    <Menu position="bottom-end" defaultOpened>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${run.name}`}>
          <IconDots {...icon} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {allowed.has('stop') && (
          <Menu.Item leftSection={<IconPlayerStop {...icon} />} onClick={() => commands.stop(run)}>
            Stop…
          </Menu.Item>
        )}
        {allowed.has('resume') && (
          <Menu.Item leftSection={<IconPlayerPlay {...icon} />} onClick={() => commands.resume(run)}>
            {run.checkpoint === null ? 'Start again' : 'Resume'}
          </Menu.Item>
        )}
        {allowed.has('queue') && (
          <Menu.Item leftSection={<IconStack2 {...icon} />} onClick={() => commands.queue(run)}>
            Put in the queue
          </Menu.Item>
        )}
        <Menu.Item
          leftSection={<IconPackageExport {...icon} />}
          disabled={!allowed.has('export')}
          onClick={() => commands.exportFrom(run)}
        >
          Export…
        </Menu.Item>
        <Menu.Item
          leftSection={<IconReportAnalytics {...icon} />}
          disabled={!allowed.has('evaluate')}
          onClick={() => commands.evaluate(run)}
        >
          Evaluate…
        </Menu.Item>
        <Menu.Item
          leftSection={<IconMessages {...icon} />}
          disabled={!allowed.has('chat')}
          onClick={() => commands.chat(run)}
        >
          Open in the playground
        </Menu.Item>
        <Menu.Item leftSection={<IconCopy {...icon} />} onClick={() => commands.reuse(run)}>
          Duplicate…
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconTrash {...icon} />}
          color="red"
          disabled={!allowed.has('remove')}
          onClick={() => commands.remove(run)}
        >
          Remove…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
