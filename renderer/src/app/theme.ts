/** Colours, type and component defaults. Every text colour meets WCAG AA on its background in both schemes. */
import {
  Alert,
  Badge,
  type CSSVariablesResolver,
  createTheme,
  Drawer,
  type MantineColorsTuple,
  Modal,
  Tooltip,
} from '@mantine/core';

/** Sable: the one accent. Shade 6 carries white text (4.9:1), shade 4 is the text shade on dark. */
const collie: MantineColorsTuple = [
  '#fdf4ee',
  '#f8e5d7',
  '#f0c9ad',
  '#e8ab80',
  '#e3925c',
  '#cf7136',
  '#b4561d',
  '#994716',
  '#7e3a12',
  '#632d0e',
];

const gray: MantineColorsTuple = [
  '#f8f8f7',
  '#f1f1ef',
  '#e6e5e2',
  '#d8d7d3',
  '#bcbab5',
  '#918f89',
  '#65635e',
  '#4c4a46',
  '#353431',
  '#1f1e1c',
];

const dark: MantineColorsTuple = [
  '#dcdbd8',
  '#b9b7b2',
  '#98968f',
  '#6d6b66',
  '#43423f',
  '#363532',
  '#282725',
  '#1d1c1b',
  '#171615',
  '#100f0f',
];

export const theme = createTheme({
  primaryColor: 'collie',
  primaryShade: { light: 6, dark: 6 },
  colors: { collie, gray, dark },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, monospace",
  headings: {
    fontWeight: '620',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.3' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.4' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  defaultRadius: 'md',
  radius: { md: '0.5rem' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  autoContrast: true,
  components: {
    // Quiet grounds with text in the text colour: tinted titles on tinted grounds are hard to read.
    Alert: Alert.extend({
      styles: (_, { color = 'collie', variant = 'light' }) =>
        variant === 'light'
          ? {
              root: {
                background: `color-mix(in srgb, var(--mantine-color-${color}-5) 9%, var(--collie-surface))`,
                border: `1px solid color-mix(in srgb, var(--mantine-color-${color}-5) 45%, var(--collie-surface))`,
              },
              title: { color: 'var(--mantine-color-text)' },
              icon: { color: `light-dark(var(--mantine-color-${color}-9), var(--mantine-color-${color}-4))` },
            }
          : {},
    }),
    Badge: Badge.extend({ defaultProps: { tt: 'none', fw: 550, style: { flexShrink: 0 } } }),
    Drawer: Drawer.extend({ styles: { title: { fontWeight: 620, fontSize: '1.0625rem' } } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 350, withArrow: true, multiline: true, maw: 320 } }),
    Modal: Modal.extend({
      styles: { title: { fontWeight: 620, fontSize: '1.0625rem' } },
      defaultProps: {
        closeButtonProps: { 'aria-label': 'Close' },
        centered: true,
        overlayProps: { backgroundOpacity: 0.45 },
        transitionProps: { duration: 120 },
      },
    }),
  },
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: { '--collie-nav-width': '208px' },
  light: {
    '--mantine-color-body': '#fcfcfb',
    '--mantine-color-placeholder': gray[6],
    '--mantine-color-error': '#c0272d',
    '--mantine-color-dimmed': gray[6],
    '--mantine-color-anchor': collie[7],
    '--collie-surface': '#ffffff',
    '--collie-sunken': gray[1],
    '--collie-border': gray[2],
    '--collie-hover': gray[1],
    '--collie-ok': '#1e7a3c',
    '--collie-warn': '#8f5a00',
    '--collie-bad': '#c0272d',
    '--collie-trained-bg': '#d9efe0',
    '--collie-trained-line': '#1e7a3c',
  },
  dark: {
    '--mantine-color-body': '#161514',
    '--mantine-color-placeholder': dark[2],
    '--mantine-color-error': '#ff8a87',
    '--mantine-color-dimmed': '#a3a19a',
    '--mantine-color-anchor': collie[3],
    '--collie-surface': '#1d1c1b',
    '--collie-sunken': '#121110',
    '--collie-border': '#33322f',
    '--collie-hover': '#282725',
    '--collie-ok': '#6fcf8e',
    '--collie-warn': '#f0b849',
    '--collie-bad': '#ff8a87',
    '--collie-trained-bg': '#17402a',
    '--collie-trained-line': '#6fcf8e',
  },
});
