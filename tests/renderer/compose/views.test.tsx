// @vitest-environment jsdom
/** What of the form is shown, what is chosen already, and what is told before the start. */
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { Preset } from '../../../electron/shared/api/entities.ts';
import { specFields, specValue } from '../../../electron/shared/spec/spec-fields.ts';
import { mockModels } from '../../../renderer/src/client/mock/mock-data.ts';
import ComposePage from '../../../renderer/src/features/compose/ComposePage.tsx';
import { orderPresets } from '../../../renderer/src/features/compose/preset-order.ts';
import { isSimple, parts } from '../../../renderer/src/features/compose/sections.ts';
import type { PresetFit } from '../../../renderer/src/store/compose.ts';
import { renderWithStore } from '../support/render.tsx';

const shown = (path: string) => document.querySelector(`[data-path="${path}"]`);

describe('the simple form', () => {
  it('is what a new user sees: what most runs decide, and every required field', () => {
    renderWithStore(<ComposePage />);
    for (const path of ['model', 'dataset.train', 'method.type', 'optimizer.learning_rate', 'device'])
      expect(shown(path), path).not.toBeNull();
    for (const path of ['optimizer.type', 'max_grad_norm', 'schedule.type', 'seed', 'parallel.dp_size'])
      expect(shown(path), path).toBeNull();
    for (const field of specFields())
      if (field.required && field.kind !== 'variant') expect(isSimple(field), field.path).toBe(true);
  });

  it('never hides what was changed', async () => {
    const { state } = renderWithStore(<ComposePage />);
    state().setField('max_grad_norm', 3);
    state().setField('optimizer.beta1', 0.8);
    await waitFor(() => expect(shown('max_grad_norm')).not.toBeNull());
    expect(shown('optimizer.beta1')).not.toBeNull();
    expect(shown('optimizer.beta2')).toBeNull();
  });

  it('never hides what is wrong', async () => {
    renderWithStore(<ComposePage />, {
      methods: {
        'spec.validate': () => ({
          issues: [{ path: 'optimizer.beta2', code: 'x', message: 'Too small.', suggestion: '' }],
          resolved: null,
          preview: null,
        }),
      },
    });
    fireEvent.click(await screen.findByRole('button', { name: /Beta 2.*Too small/ }));
    await waitFor(() => expect(document.activeElement?.id).toBe('field-optimizer-beta2'));
  });

  it('is left for all settings, and the choice is kept', () => {
    const first = renderWithStore(<ComposePage />);
    fireEvent.click(screen.getByRole('radio', { name: 'All' }));
    expect(shown('max_grad_norm')).not.toBeNull();
    first.unmount();
    renderWithStore(<ComposePage />);
    expect(shown('max_grad_norm')).not.toBeNull();
  });
});

describe('the index', () => {
  it('leads to each part, and says where something is to do', async () => {
    const { state } = renderWithStore(<ComposePage />);
    const index = screen.getByRole('navigation', { name: 'Parts of the form' });
    const names = within(index)
      .getAllByRole('button')
      .map((button) => button.textContent?.split(',')[0]);
    expect(names).toEqual(['Model', 'Data', 'Method', 'Training', 'Watch', 'Machine']);
    await waitFor(() => expect(state().issues.length).toBeGreaterThan(0));
    await within(index).findByRole('button', { name: /^Data, \d to do$/ });
    fireEvent.click(within(index).getByRole('button', { name: 'Training' }));
    expect(document.activeElement?.id).toBe('part-training');
  });

  it('holds every section once', () => {
    const ids = parts.flatMap((part) => part.sections.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the only model', () => {
  it('is chosen already, others are left to the user', async () => {
    const [only, , broken] = mockModels;
    const { state } = renderWithStore(<ComposePage />, {
      methods: { 'models.list': () => [only, broken] as typeof mockModels },
    });
    await waitFor(() => expect(specValue(state().draft, 'model')).toBe(`library:${only?.id}`));
  });

  it('is none where there are two', async () => {
    const { state } = renderWithStore(<ComposePage />);
    await waitFor(() => expect(state().models).not.toBeNull());
    expect(specValue(state().draft, 'model')).toBeUndefined();
  });
});

const preset = (id: string, order: number): Preset => ({ id, title: id, description: '', order, spec: {} });
const takes = (verdict: PresetFit['verdict'], seconds: number | null = 60): PresetFit => ({
  verdict,
  totalBytes: 1,
  seconds,
});

describe('presets', () => {
  const presets = [preset('c', 3), preset('a', 1), preset('b', 2), preset('d', 4)];
  const order = (fits: Record<string, PresetFit | null>) =>
    orderPresets(presets, fits).map(({ preset: { id }, recommended }) => (recommended ? `${id}!` : id));

  it('stand in their own order before anything is known', () => {
    expect(order({})).toEqual(['a!', 'b', 'c', 'd']);
  });

  it('go to the end when they do not fit, and behind quicker ones when they take more than a day', () => {
    expect(
      order({ a: takes('does_not_fit'), b: takes('fits', 90_000), c: takes('fits'), d: takes('tight') }),
    ).toEqual(['c!', 'b', 'd', 'a']);
  });

  it('recommend nothing that does not fit', () => {
    const none = Object.fromEntries(presets.map(({ id }) => [id, takes('does_not_fit')]));
    expect(order(none)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('say what they take of the chosen model, the recommended one first', async () => {
    const { state } = renderWithStore(<ComposePage />);
    await waitFor(() => expect(state().datasets).not.toBeNull());
    state().setField('model', 'library:smollm2-135m-instruct');
    state().chooseDataset('larkspur-support');
    const region = screen.getByRole('region', { name: 'Presets' });
    await within(region).findAllByText(/(MiB|GiB), about /);
    const [first] = within(region).getAllByRole('button');
    expect(within(first as HTMLElement).getByText('Recommended')).toBeTruthy();
  });
});

describe('before the start', () => {
  it('tells the time, where it is from, and what a live run beside it costs', async () => {
    const { state } = renderWithStore(<ComposePage />);
    await waitFor(() => expect(state().datasets).not.toBeNull());
    state().setField('model', 'library:smollm2-135m-instruct');
    state().chooseDataset('larkspur-support');
    const summary = screen.getByRole('complementary', { name: 'Summary' });
    await within(summary).findByText(/^Time: about /);
    within(summary).getByText(/^From the speed of 3 runs on this machine/);
    within(summary).getByText('Another run is going');
    within(summary).getByText(/each gets about half of the speed/);
  });
});
