/** Choices for all charts of a group. */
import { Button, Group, SegmentedControl, Slider, Switch, Text } from '@mantine/core';
import { IconZoomReset } from '@tabler/icons-react';
import { type Axis, axes } from '../../../electron/shared/runs/points.ts';
import { Hint } from '../components/Hint.tsx';
import { useChartGroup } from './ChartGroup.tsx';
import type { ChartSettings } from './chart-settings.ts';

interface Props {
  settings: ChartSettings;
  onChange: (settings: ChartSettings) => void;
}

const labels: Record<Axis, string> = {
  step: 'Steps',
  tokens: 'Tokens',
  examples: 'Examples',
  epoch: 'Epochs',
  seconds: 'Time',
};
const choices = axes.map((value) => ({ value, label: labels[value] }));

export function ChartToolbar({ settings, onChange }: Props) {
  const { window, setWindow } = useChartGroup();
  const change = (part: Partial<ChartSettings>) => onChange({ ...settings, ...part });
  return (
    <Group gap="lg" wrap="wrap">
      <SegmentedControl
        size="xs"
        aria-label="Horizontal axis"
        data={choices}
        value={settings.x}
        onChange={(x) => {
          // A part of the old axis means nothing on the new one.
          setWindow(null);
          change({ x: x as Axis });
        }}
      />
      <Group gap="xs" wrap="nowrap">
        <Text size="sm" id="smoothing-label">
          Smoothing
        </Text>
        <Slider
          w={130}
          size="sm"
          min={0}
          max={0.99}
          step={0.01}
          value={settings.smoothing}
          onChange={(smoothing) => change({ smoothing })}
          label={(value) => value.toFixed(2)}
          thumbProps={{ 'aria-labelledby': 'smoothing-label' }}
        />
      </Group>
      <Hint label="Shows small losses and norms as clearly as large ones">
        <div>
          <Switch
            size="sm"
            label="Log scale"
            checked={settings.scale === 'log'}
            onChange={(event) => change({ scale: event.currentTarget.checked ? 'log' : 'linear' })}
          />
        </div>
      </Hint>
      <Hint label="Fits the vertical axis to all but the highest and lowest 1% of the values">
        <div>
          <Switch
            size="sm"
            label="Ignore outliers"
            checked={settings.clip === 'percentile'}
            onChange={(event) => change({ clip: event.currentTarget.checked ? 'percentile' : 'all' })}
          />
        </div>
      </Hint>
      {window ? (
        <Button
          size="compact-xs"
          variant="light"
          leftSection={<IconZoomReset size={14} />}
          onClick={() => setWindow(null)}
        >
          Show all
        </Button>
      ) : (
        <Text size="xs" c="dimmed">
          Drag over a chart to see a part of it
        </Text>
      )}
    </Group>
  );
}
