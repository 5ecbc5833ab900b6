// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { href, parseRoute } from '../../../renderer/src/app/route.ts';
import { Shell } from '../../../renderer/src/app/Shell.tsx';
import { renderWithStore } from '../support/render.tsx';

describe('addresses', () => {
  it('are read and written the same way', () => {
    const to = href('datasets', 'a b/ü', 'row', { row: '3', model: '' });
    const { parts, query } = parseRoute(to);
    expect(parts).toEqual(['datasets', 'a b/ü', 'row']);
    expect([...query]).toEqual([['row', '3']]);
    expect(parseRoute('').parts).toEqual([]);
    expect(parseRoute('#/runs/%E0%A4%A').parts).toEqual(['runs', '%E0%A4%A']);
  });
});

describe('the frame', () => {
  it('names its landmarks and marks the place where the user is', async () => {
    location.hash = '#/models';
    renderWithStore(<Shell />);
    const navigation = screen.getByRole('navigation', { name: 'Main' });
    const links = within(navigation).getAllByRole('link');
    expect(links.map((link) => link.textContent?.trim())).toEqual(
      expect.arrayContaining(['Home', 'Models', 'Datasets', 'New run', 'Playground', 'Machine']),
    );
    expect(within(navigation).getByRole('link', { name: 'Models' }).getAttribute('aria-current')).toBe(
      'page',
    );
    await screen.findByRole('heading', { level: 1, name: 'Models' });
    expect(document.title).toContain('Models');
  });

  it('lets the keyboard skip the navigation', () => {
    location.hash = '#/models';
    renderWithStore(<Shell />);
    const skip = screen.getByRole('button', { name: 'Skip to content' });
    expect(document.querySelector('a, button')).toBe(skip);
    fireEvent.click(skip);
    expect(document.activeElement).toBe(screen.getByRole('main'));
  });

  it('says that the line is lost, and tries again on request', async () => {
    location.hash = '#/models';
    const { client } = renderWithStore(<Shell />);
    act(() => client.setLine({ state: 'lost', retryAt: Date.now() + 4000 }));
    await screen.findByText('Connection to the host lost');
    fireEvent.click(screen.getByRole('button', { name: 'Connect now' }));
    await waitFor(() => expect(screen.queryByText('Connection to the host lost')).toBeNull());
  });

  it('has a way back from an address that is no page', async () => {
    location.hash = '#/nonsense';
    renderWithStore(<Shell />);
    await screen.findByText('There is no such page');
  });
});

describe('models', () => {
  it('say why one cannot be trained, and are removed only when confirmed', async () => {
    location.hash = '#/models/mixtral-8x7b';
    const { client, state } = renderWithStore(<Shell />);
    const drawer = await screen.findByRole('dialog', { name: 'Mixtral-8x7B-v0.1' });
    expect(drawer.textContent).toContain('Choose a Llama or Mistral model.');
    fireEvent.click(within(drawer).getByRole('button', { name: 'Remove' }));
    const question = await screen.findByRole('dialog', { name: 'Remove Mixtral-8x7B-v0.1?' });
    expect(client.calls.some((c) => c.method === 'models.remove')).toBe(false);
    fireEvent.click(within(question).getByRole('button', { name: 'Remove' }));
    await waitFor(() => expect(state().models?.some((m) => m.id === 'mixtral-8x7b')).toBe(false));
    await waitFor(() => expect(location.hash).toBe('#/models'));
  });

  it('tell how to get the first one', async () => {
    location.hash = '#/models';
    renderWithStore(<Shell />, { methods: { 'models.list': () => [] } });
    await screen.findByText('No models yet');
    screen.getByText('npm run quickstart');
  });

  it('are imported by path, with the progress and then the card', async () => {
    location.hash = '#/models';
    renderWithStore(<Shell />);
    fireEvent.click(await screen.findByRole('button', { name: 'Import model' }));
    const dialog = await screen.findByRole('dialog', { name: 'Import model' });
    const submit = within(dialog).getByRole('button', { name: 'Import' }) as HTMLButtonElement;
    expect(submit.disabled).toBe(true);
    fireEvent.change(within(dialog).getByLabelText('Path'), { target: { value: '/data/m.gguf' } });
    fireEvent.change(within(dialog).getByLabelText('Name'), { target: { value: 'Mine' } });
    fireEvent.click(submit);
    await within(dialog).findByRole('progressbar', { name: 'Import Mine' });
    await screen.findByRole('dialog', { name: 'Mine' });
  });
});
