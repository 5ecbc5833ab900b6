// @vitest-environment jsdom
/** The import of a data set: a look at the file with its problems and choices, then the import. */
import { fireEvent, screen, waitFor } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { ImportDatasetModal } from '../../../renderer/src/features/datasets/ImportDatasetModal.tsx';
import { renderWithStore } from '../support/render.tsx';

function open(path: string) {
  const onDone = vi.fn();
  const view = renderWithStore(<ImportDatasetModal path={path} onDone={onDone} onClose={() => {}} />);
  const call = vi.spyOn(view.client, 'call');
  const imports = () => call.mock.calls.filter(([method]) => method === 'datasets.import');
  return { onDone, imports };
}

it('shows rows and columns before anything is imported', async () => {
  const { onDone, imports } = open('');
  fireEvent.change(screen.getByLabelText('Path'), { target: { value: '/home/kim/data/good.jsonl' } });
  fireEvent.click(screen.getByRole('button', { name: 'Preview' }));
  const preview = await screen.findByRole('region', { name: 'Preview' });
  expect(preview.textContent).toContain('320 rows');
  expect(preview.textContent).toContain('prompt → answer');
  expect(preview.textContent).toContain('No problems found');
  expect(preview.textContent).toContain('column "topic"');
  expect(screen.getByRole('region', { name: 'The first rows' }).querySelectorAll('tbody tr')).toHaveLength(5);
  expect(imports()).toEqual([]);
  fireEvent.click(screen.getByRole('button', { name: 'Import' }));
  await waitFor(() => expect(onDone).toHaveBeenCalled());
  expect(imports()[0]?.[1]).toMatchObject({ path: '/home/kim/data/good.jsonl', unusable: 'keep' });
});

it('a dropped file is looked at by itself; rows that cannot be trained on are counted and can be left out', async () => {
  const { onDone, imports } = open('/home/kim/data/blank.jsonl');
  await screen.findByText('3 of 320 rows have a null or blank answer (rows 4, 9, 12).');
  fireEvent.click(screen.getByRole('radio', { name: 'Leave them out of the import' }));
  fireEvent.click(screen.getByRole('button', { name: 'Import' }));
  await waitFor(() => expect(onDone).toHaveBeenCalled());
  expect(imports()[0]?.[1]).toMatchObject({ unusable: 'leave_out' });
});

it('what hinders the import is told with its choice, and the file is looked at again with it', async () => {
  const { imports } = open('/home/kim/data/ragged.csv');
  await screen.findByText(/2 rows have another number of fields/);
  expect(screen.queryByRole('button', { name: 'Import' })).toBeNull();
  fireEvent.click(screen.getByRole('checkbox', { name: /another number of fields/ }));
  fireEvent.click(screen.getByRole('button', { name: 'Preview' }));
  await screen.findByText(/were left out \(lines 5, 9\)/);
  fireEvent.click(screen.getByRole('button', { name: 'Import' }));
  await waitFor(() => expect(imports()[0]?.[1]).toMatchObject({ ragged: 'leave_out' }));
});

it('another path, encoding or choice asks for a new look', async () => {
  open('/home/kim/data/good.jsonl');
  await screen.findByRole('region', { name: 'Preview' });
  fireEvent.change(screen.getByLabelText('Path'), { target: { value: '/home/kim/data/other.jsonl' } });
  expect(screen.queryByRole('region', { name: 'Preview' })).toBeNull();
  expect(screen.getByRole('button', { name: 'Preview' })).toBeTruthy();
});
