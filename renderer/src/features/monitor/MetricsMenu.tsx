/** All that was measured of a run, as a file of another tool: the same as `collie export-metrics`. */
import { Button, Menu } from '@mantine/core';
import { IconChevronDown, IconFileExport } from '@tabler/icons-react';
import { useState } from 'react';
import { type MetricsFormat, metricsFormats } from '../../../../electron/shared/runs/metrics-export.ts';
import { useClient, useStore } from '../../store/context.tsx';

const icon = { size: 16, 'aria-hidden': true } as const;
const titles: Record<MetricsFormat, string> = { csv: 'CSV', tensorboard: 'TensorBoard' };

export function MetricsMenu({ id }: { id: string }) {
  const client = useClient();
  const announce = useStore((s) => s.announce);
  const report = useStore((s) => s.report);
  const [busy, setBusy] = useState(false);
  const write = async (format: MetricsFormat) => {
    setBusy(true);
    try {
      const { path } = await client.call('runs.exportMetrics', { id, format });
      announce('success', 'The metrics are written', path);
    } catch (thrown) {
      report('The metrics could not be written', thrown);
    }
    setBusy(false);
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          size="xs"
          variant="default"
          loading={busy}
          leftSection={<IconFileExport {...icon} />}
          rightSection={<IconChevronDown {...icon} />}
        >
          Metrics as
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {metricsFormats.map((format) => (
          <Menu.Item key={format} onClick={() => void write(format)}>
            {titles[format]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
