import { Badge, Group, Text } from '@mantine/core';
import {
  IconAdjustmentsHorizontal,
  IconBox,
  IconChartLine,
  IconCpu,
  IconDatabase,
  IconHome,
  IconMessages,
} from '@tabler/icons-react';
import iconUrl from '../../../assets/icon.svg';
import { liveStates } from '../../../electron/shared/runs/events.ts';
import { useStore } from '../store/context.tsx';
import { ColorSchemeToggle } from './ColorSchemeToggle.tsx';
import { JobsTray } from './JobsTray.tsx';
import type { Route } from './route.ts';
import classes from './Shell.module.css';

const places = [
  { part: '', label: 'Home', icon: IconHome },
  { part: 'models', label: 'Models', icon: IconBox },
  { part: 'datasets', label: 'Datasets', icon: IconDatabase },
  { part: 'compose', label: 'Compose', icon: IconAdjustmentsHorizontal },
  { part: 'runs', label: 'Runs', icon: IconChartLine },
  { part: 'playground', label: 'Playground', icon: IconMessages },
  { part: 'devices', label: 'Devices', icon: IconCpu },
] as const;

export function Navigation({ route }: { route: Route }) {
  const here = route.parts[0] ?? '';
  const live = useStore(
    (s) => Object.values(s.runs ?? {}).filter((run) => liveStates.includes(run.state)).length,
  );
  const version = useStore((s) => s.system?.version);
  return (
    <>
      <a className={classes.brand} href="#/">
        <img src={iconUrl} alt="" width={26} height={26} />
        Collie Workbench
      </a>
      <nav aria-label="Main">
        <ul className={classes.list}>
          {places.map(({ part, label, icon: Glyph }) => (
            <li key={part}>
              <a
                className={classes.link}
                href={`#/${part}`}
                aria-current={here === part ? 'page' : undefined}
              >
                <Glyph size={18} stroke={1.75} aria-hidden />
                {label}
                {part === 'runs' && live > 0 && (
                  <Badge className={classes.badge ?? ''} size="sm" variant="filled" circle={live < 10}>
                    <span aria-hidden>{live}</span>
                    <span style={{ position: 'absolute', width: 1, height: 1, overflow: 'hidden' }}>
                      {live} in progress
                    </span>
                  </Badge>
                )}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div className={classes.footer}>
        <JobsTray />
        <Group justify="space-between" mt={8} wrap="nowrap">
          <Text size="xs" c="dimmed">
            {version ? `Version ${version}` : ' '}
          </Text>
          <ColorSchemeToggle />
        </Group>
      </div>
    </>
  );
}
