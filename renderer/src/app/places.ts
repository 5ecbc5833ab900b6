/** The pages there are, in groups: what the navigation shows and what Ctrl+K finds. */
import {
  type Icon,
  IconAdjustmentsHorizontal,
  IconBox,
  IconChartLine,
  IconCpu,
  IconDatabase,
  IconGridDots,
  IconHome,
  IconMessages,
  IconReportAnalytics,
  IconScale,
  IconSettings,
  IconStack2,
} from '@tabler/icons-react';

export interface Place {
  /** First part of the address. */
  readonly part: string;
  readonly label: string;
  readonly icon: Icon;
  /** Other words that people look for it by. */
  readonly words: string;
}

export interface PlaceGroup {
  /** Empty: without a heading. */
  readonly title: string;
  readonly places: readonly Place[];
}

export const placeGroups: readonly PlaceGroup[] = [
  { title: '', places: [{ part: '', label: 'Home', icon: IconHome, words: 'start guide overview' }] },
  {
    title: 'Data',
    places: [
      { part: 'models', label: 'Models', icon: IconBox, words: 'base checkpoint gguf hugging face' },
      { part: 'datasets', label: 'Datasets', icon: IconDatabase, words: 'rows jsonl csv parquet files' },
    ],
  },
  {
    title: 'Train',
    places: [
      {
        part: 'compose',
        label: 'New run',
        icon: IconAdjustmentsHorizontal,
        words: 'compose train fine-tune start form hyperparameters',
      },
      {
        part: 'queue',
        label: 'Queue',
        icon: IconStack2,
        words: 'waiting later overnight order next schedule',
      },
      {
        part: 'sweeps',
        label: 'Sweeps',
        icon: IconGridDots,
        words: 'hyperparameter search grid random sobol seeds tune points',
      },
      { part: 'runs', label: 'Runs', icon: IconChartLine, words: 'experiments jobs history loss' },
    ],
  },
  {
    title: 'Judge',
    places: [
      {
        part: 'compare',
        label: 'Compare',
        icon: IconScale,
        words: 'comparison difference verdict seeds better significance runs side by side',
      },
      {
        part: 'studies',
        label: 'Studies',
        icon: IconReportAnalytics,
        words: 'paper memory throughput quality evaluation benchmark report optimizers methods',
      },
      { part: 'playground', label: 'Playground', icon: IconMessages, words: 'chat inference generate test' },
    ],
  },
];

/** At the foot of the navigation. */
export const footPlaces: readonly Place[] = [
  { part: 'devices', label: 'Machine', icon: IconCpu, words: 'devices gpu cpu memory telemetry' },
  {
    part: 'settings',
    label: 'Settings',
    icon: IconSettings,
    words: 'preferences webhook alarms address notify',
  },
];

export const allPlaces: readonly Place[] = [...placeGroups.flatMap(({ places }) => places), ...footPlaces];
