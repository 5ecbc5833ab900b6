/** What is asked of a live run less often than to save or to pause. */
import { Button, Menu, Text } from '@mantine/core';
import { IconAdjustments, IconChevronDown } from '@tabler/icons-react';
import { useState } from 'react';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import type { RunRequest } from '../../../../electron/shared/runs/requests.ts';
import { useStore } from '../../store/context.tsx';
import { runRequestTexts } from '../runs/run-requests.ts';
import type { RunCommands } from '../runs/use-run-commands.tsx';
import { ChangeDialog } from './ChangeDialog.tsx';

const icon = { size: 16, 'aria-hidden': true } as const;

const Item = ({ title, help, onClick }: { title: string; help: string; onClick: () => void }) => (
  <Menu.Item onClick={onClick}>
    {title}
    <Text size="xs" c="dimmed">
      {help}
    </Text>
  </Menu.Item>
);

export function WhileItTrains({ run, commands }: { run: RunStatus; commands: RunCommands }) {
  const [changing, setChanging] = useState(false);
  const spec = useStore((s) => s.runDetails[run.id]?.spec);
  const offered: readonly RunRequest[] = [
    'evaluate',
    ...(spec?.sampling.prompts.length ? (['sample'] as const) : []),
    'end_epoch',
  ];
  return (
    <>
      <Menu position="bottom-end" width={320}>
        <Menu.Target>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconAdjustments {...icon} />}
            rightSection={<IconChevronDown {...icon} />}
          >
            While it trains
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {offered.map((request) => (
            <Item
              key={request}
              {...runRequestTexts[request]}
              onClick={() => commands.request(run, request)}
            />
          ))}
          <Menu.Divider />
          <Item
            title="Change learning rate or length…"
            help="From the next step on; kept in the run's record"
            onClick={() => setChanging(true)}
          />
        </Menu.Dropdown>
      </Menu>
      {changing && <ChangeDialog run={run} onClose={() => setChanging(false)} />}
    </>
  );
}
