import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { StoreProvider } from '../store/context.tsx';
import type { StoreHandle } from '../store/store.ts';
import { Shell } from './Shell.tsx';
import { cssVariables, theme } from './theme.ts';

// Same key as public/color-scheme.js.
const colorSchemes = localStorageColorSchemeManager({ key: 'collie-color-scheme' });

export function App({ handle }: { handle: StoreHandle }) {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={colorSchemes}
      defaultColorScheme="auto"
    >
      <StoreProvider handle={handle}>
        <Notifications position="bottom-right" limit={4} />
        <Shell />
      </StoreProvider>
    </MantineProvider>
  );
}
