// @vitest-environment jsdom
/** The parallel section: steppers, the picture of ranks on devices, and layouts to choose from. */
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/shared/api/entities.ts';
import { parallelSchema } from '../../../electron/shared/spec/parallel-fields.ts';
import { specValue } from '../../../electron/shared/spec/spec-fields.ts';
import ComposePage from '../../../renderer/src/features/compose/ComposePage.tsx';
import {
  colourOf,
  devicesOfHosts,
  placesOf,
  rankDevices,
} from '../../../renderer/src/features/devices/rank-places.ts';
import { renderWithStore } from '../support/render.tsx';

const eight = parallelSchema.parse({ dp_size: 2, tp_size: 2, pp_size: 2 });
const gpu = (index: number): Device => ({
  kind: 'cuda',
  index,
  name: 'Card',
  units: 100,
  memoryTotalBytes: 1,
  features: [],
});
const ranksOn = (devices: ReturnType<typeof rankDevices>) =>
  devices.map(({ key, ranks }) => [key, ranks.map(({ rank }) => rank)]);

// The simple form has its own tests (views.test.tsx).
beforeEach(() => localStorage.setItem('collie-form-view', 'all'));

describe('places of ranks', () => {
  it('have tensor-parallel neighbours next to each other, then copies, then stages', () => {
    expect(placesOf(eight)[3]).toEqual({ rank: 3, stage: 0, dpRank: 1, tpRank: 1 });
    expect(placesOf(eight)[6]).toEqual({ rank: 6, stage: 1, dpRank: 1, tpRank: 0 });
  });

  it('are one a GPU; those without one are shown as such', () => {
    const two = parallelSchema.parse({ dp_size: 3 });
    expect(ranksOn(rankDevices(two, [], 'cuda', [gpu(0), gpu(1)]))).toEqual([
      ['gpu-0', [0]],
      ['gpu-1', [1]],
      ['none', [2]],
    ]);
  });

  it('are all on the CPU, or on hosts in their order', () => {
    expect(ranksOn(rankDevices(eight, [], 'cpu', []))).toEqual([['cpu', [0, 1, 2, 3, 4, 5, 6, 7]]]);
    expect(ranksOn(rankDevices(eight, ['a:6', 'b:4', 'c'], 'cpu', []))).toEqual([
      ['a', [0, 1, 2, 3, 4, 5]],
      ['b', [6, 7]],
      ['c', []],
    ]);
  });

  it('are shown without a slot where the hosts have too few', () => {
    expect(ranksOn(rankDevices(eight, ['a:6', 'b'], 'cpu', []))).toEqual([
      ['a', [0, 1, 2, 3, 4, 5]],
      ['b', [6]],
      ['none', [7]],
    ]);
  });

  it('are those that the ranks tell of, once they are on several hosts', () => {
    const on = (...hosts: string[]) =>
      placesOf(eight).map((place, k) => ({ ...place, host: hosts[k] ?? '' }));
    expect(devicesOfHosts(on('a', 'a'), 'cpu')).toBeNull();
    expect(ranksOn(devicesOfHosts(on('a', 'a', 'b', 'b'), 'cpu') ?? [])).toEqual([
      ['a', [0, 1]],
      ['b', [2, 3]],
      ['none', [4, 5, 6, 7]],
    ]);
  });

  it('are coloured by the group that is chosen', () => {
    const [, , , third] = placesOf(eight);
    if (!third) throw new Error('no rank 3');
    expect(colourOf(third, 'stage')).toBe('var(--rank-0)');
    expect(colourOf(third, 'dpRank')).toBe('var(--rank-1)');
  });
});

const section = () => screen.getByRole('region', { name: 'Parallel' });
/** The form with the section unfolded: on a machine of one device it is not, at first. */
function renderForm(options?: Parameters<typeof renderWithStore>[1]) {
  const view = renderWithStore(<ComposePage />, options);
  fireEvent.click(within(section()).getByRole('button', { name: 'Several ranks' }));
  return view;
}
const draftParallel = (state: () => { draft: object }) => specValue(state().draft, 'parallel');

describe('the parallel section', () => {
  it('draws a rank more for each step up, each named by its place', async () => {
    const { state } = renderForm();
    fireEvent.click(within(section()).getByRole('button', { name: 'Raise Data parallel' }));
    fireEvent.click(within(section()).getByRole('button', { name: 'Raise Pipeline parallel' }));
    expect(draftParallel(state)).toMatchObject({ dp_size: 2, pp_size: 2 });
    const ranks = within(section()).getAllByRole('listitem', { name: /^Rank \d: stage/ });
    expect(ranks.map((rank) => rank.getAttribute('aria-label'))).toEqual([
      'Rank 0: stage 0, data-parallel copy 0, tensor-parallel part 0',
      'Rank 1: stage 0, data-parallel copy 1, tensor-parallel part 0',
      'Rank 2: stage 1, data-parallel copy 0, tensor-parallel part 0',
      'Rank 3: stage 1, data-parallel copy 1, tensor-parallel part 0',
    ]);
    expect(within(section()).getByRole('button', { name: 'Lower Tensor parallel' })).toHaveProperty(
      'disabled',
      true,
    );
  });

  it('lists layouts of as many ranks and takes over the one that is chosen', async () => {
    const { state } = renderForm();
    await waitFor(() => expect(state().system).not.toBeNull());
    const [model] = await waitFor(() => {
      const models = state().models;
      if (!models) throw new Error('not yet');
      return models;
    });
    const [dataset] = await waitFor(() => {
      const datasets = state().datasets;
      if (!datasets) throw new Error('not yet');
      return datasets;
    });
    state().setField('model', `library:${model?.id}`);
    state().chooseDataset(dataset?.id ?? '');
    fireEvent.change(screen.getByLabelText('Layouts of'), { target: { value: '4' } });
    const table = await screen.findByRole('table', { name: 'Layouts' });
    const radio = await within(table).findByRole('radio', { name: 'dp 2, tp 2, pp 1, ZeRO 1' });
    fireEvent.click(radio);
    expect(draftParallel(state)).toMatchObject({ dp_size: 2, tp_size: 2, pp_size: 1, zero_stage: 1 });
    await waitFor(() => expect(radio).toHaveProperty('checked', true));
    expect(await within(section()).findByText(/Memory of all ranks/)).not.toBeNull();
  });

  it('lets the number of ranks be emptied on the way to another one', () => {
    renderForm();
    const field = screen.getByLabelText('Layouts of');
    const before = (field as HTMLInputElement).value;
    fireEvent.change(field, { target: { value: '' } });
    expect(field).toHaveProperty('value', '');
    fireEvent.change(field, { target: { value: '6' } });
    expect(field).toHaveProperty('value', '6');
    fireEvent.change(field, { target: { value: '' } });
    fireEvent.blur(field);
    expect(field).toHaveProperty('value', before);
  });

  it('takes sizes by keyboard too, within their limits', () => {
    const { state } = renderForm();
    const zero = within(section()).getByLabelText('ZeRO stage');
    for (let i = 0; i < 4; i += 1) fireEvent.keyDown(zero, { key: 'ArrowUp' });
    expect(draftParallel(state)).toMatchObject({ zero_stage: 3 });
    expect(within(section()).getByRole('button', { name: 'Raise ZeRO stage' })).toHaveProperty(
      'disabled',
      true,
    );
    fireEvent.keyDown(zero, { key: 'ArrowDown' });
    expect(draftParallel(state)).toMatchObject({ zero_stage: 2 });
  });

  it('says that colours begin again after eight groups', () => {
    renderForm();
    const pipeline = within(section()).getByLabelText('Pipeline parallel');
    for (let i = 0; i < 9; i += 1) fireEvent.keyDown(pipeline, { key: 'ArrowUp' });
    const meaning = within(section()).getByRole('list', { name: 'What the colours mean' });
    expect(meaning.textContent).toMatch(/Stage 7and again from the first, up to 9$/);
  });

  it('has sequence parallel once there is tensor parallel, and can always take it back', () => {
    const { state } = renderForm();
    const control = () => within(section()).getByRole('switch', { name: /Sequence parallel/ });
    expect(control()).toHaveProperty('disabled', true);
    expect(within(section()).getByText(/Needs tensor parallel above 1/)).not.toBeNull();
    fireEvent.click(within(section()).getByRole('button', { name: 'Raise Tensor parallel' }));
    expect(within(section()).queryByText(/Needs tensor parallel above 1/)).toBeNull();
    fireEvent.click(control());
    expect(draftParallel(state)).toMatchObject({ tp_size: 2, sequence_parallel: true });
    fireEvent.click(within(section()).getByRole('button', { name: 'Lower Tensor parallel' }));
    expect(control()).toHaveProperty('disabled', false);
    fireEvent.click(control());
    expect(draftParallel(state)).toMatchObject({ tp_size: 1, sequence_parallel: false });
  });

  it('says what the colours of the ranks mean', () => {
    renderForm();
    fireEvent.click(within(section()).getByRole('button', { name: 'Raise Data parallel' }));
    const meaning = () =>
      within(within(section()).getByRole('list', { name: 'What the colours mean' }))
        .getAllByRole('listitem')
        .map((item) => item.textContent);
    expect(meaning()).toEqual(['Stage 0']);
    fireEvent.click(within(section()).getByRole('radio', { name: 'Data parallel' }));
    expect(meaning()).toEqual(['Copy 0', 'Copy 1']);
  });

  it('has hosts, restarts and the hang limit among the advanced settings', () => {
    renderForm();
    fireEvent.click(within(section()).getByRole('button', { name: /^Advanced/ }));
    for (const title of ['Hosts', 'Restarts', 'Hang limit', 'Record a timeline', 'Chunks per stage'])
      expect(within(section()).getByLabelText(title), title).not.toBeNull();
  });

  it('shows what is refused in place', async () => {
    const issue = {
      path: 'parallel',
      code: 'too_big',
      message: '8 ranks need a GPU each; this machine has 2.',
      suggestion: 'Choose less.',
    };
    renderForm({
      methods: { 'spec.validate': () => ({ issues: [issue], resolved: null, preview: null }) },
    });
    expect(await within(section()).findByText(`${issue.message} Choose less.`)).not.toBeNull();
  });
});
