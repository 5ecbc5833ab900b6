import { Badge, Group, Kbd, Text, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import iconUrl from '../../../assets/icon.svg';
import { liveStates, type RunState } from '../../../electron/shared/runs/events.ts';
import { Hint } from '../components/Hint.tsx';
import { useStore } from '../store/context.tsx';
import { ColorSchemeToggle } from './ColorSchemeToggle.tsx';
import { finder } from './Finder.tsx';
import { JobsTray } from './JobsTray.tsx';
import { footPlaces, type Place, placeGroups } from './places.ts';
import type { Route } from './route.ts';
import classes from './Shell.module.css';

/** The pages in groups. In a narrow window only their icons, with the names for screen readers and in tooltips. */
export function Navigation({ route }: { route: Route }) {
  const here = route.parts[0] ?? '';
  const version = useStore((s) => s.system?.version);
  return (
    <>
      <a className={classes.brand} href="#/">
        <img src={iconUrl} alt="" width={26} height={26} />
        <span className={classes.name}>Collie Workbench</span>
      </a>
      <UnstyledButton className={classes.find ?? ''} onClick={finder.open} aria-keyshortcuts="Control+K">
        <IconSearch size={16} stroke={1.75} aria-hidden />
        <span className={classes.name}>
          Find <Kbd size="xs">Ctrl K</Kbd>
        </span>
      </UnstyledButton>
      <nav aria-label="Main" className={classes.nav}>
        {placeGroups.map(({ title, places }) => (
          <div key={title} className={classes.group}>
            {title && (
              <div className={classes.groupTitle} id={`nav-${title}`}>
                {title}
              </div>
            )}
            <Links places={places} here={here} labelledBy={title ? `nav-${title}` : undefined} />
          </div>
        ))}
        <div className={classes.foot}>
          <Links places={footPlaces} here={here} />
        </div>
      </nav>
      <div className={classes.footer}>
        <JobsTray />
        <Group justify="space-between" mt={8} wrap="nowrap">
          <Text size="xs" c="dimmed" className={classes.name ?? ''}>
            {version ? `Version ${version}` : ' '}
          </Text>
          <ColorSchemeToggle />
        </Group>
      </div>
    </>
  );
}

function Links(props: { places: readonly Place[]; here: string; labelledBy?: string | undefined }) {
  return (
    <ul className={classes.list} aria-labelledby={props.labelledBy}>
      {props.places.map(({ part, label, icon: Glyph }) => (
        <li key={part}>
          <Hint label={label} position="right" classNames={{ tooltip: classes.narrowOnly ?? '' }}>
            <a
              className={classes.link}
              href={`#/${part}`}
              aria-current={props.here === part ? 'page' : undefined}
            >
              <Glyph size={18} stroke={1.75} aria-hidden />
              <span className={classes.name}>{label}</span>
              {part === 'runs' && <Count states={liveStates} what="in progress" />}
              {part === 'queue' && <Count states={WAITING} what="waiting" />}
            </a>
          </Hint>
        </li>
      ))}
    </ul>
  );
}

const WAITING: readonly RunState[] = ['queued'];

/** Runs in these states; nothing when there is none. */
function Count({ states, what }: { states: readonly RunState[]; what: string }) {
  const count = useStore(
    (s) => Object.values(s.runs ?? {}).filter((run) => states.includes(run.state)).length,
  );
  if (count === 0) return null;
  return (
    <Badge className={classes.badge ?? ''} size="sm" variant="filled" circle={count < 10}>
      <span aria-hidden>{count}</span>
      <VisuallyHidden>
        {count} {what}
      </VisuallyHidden>
    </Badge>
  );
}
