// @vitest-environment jsdom
import { fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { kindOfDrop } from '../../../renderer/src/app/DropFiles.tsx';
import { Shell } from '../../../renderer/src/app/Shell.tsx';
import { renderWithStore } from '../support/render.tsx';

const transfer = (name: string) => {
  const file = new File(['x'], name);
  return { types: ['Files'], files: [file], items: [{ getAsFile: () => file }] };
};

afterEach(() => {
  delete (window as { collie?: unknown }).collie;
});

describe('a dropped file', () => {
  it('is a model when it is a folder or a GGUF file, data otherwise', () => {
    expect(kindOfDrop('m.GGUF', false)).toBe('model');
    expect(kindOfDrop('Llama', true)).toBe('model');
    expect(kindOfDrop('rows.jsonl', false)).toBe('dataset');
  });

  it('opens its import with its path, where the shell knows it', async () => {
    Object.assign(window, { collie: { pathOf: (file: File) => `/home/kim/${file.name}` } });
    location.hash = '#/runs';
    renderWithStore(<Shell />);
    fireEvent.dragEnter(window, { dataTransfer: transfer('rows.csv') });
    await screen.findByText(/^Drop a data file/);
    fireEvent.drop(window, { dataTransfer: transfer('rows.csv') });
    await screen.findByRole('dialog', { name: 'Import dataset' });
    expect((screen.getByLabelText('Path') as HTMLInputElement).value).toBe('/home/kim/rows.csv');
    expect(screen.queryByText(/^Drop a data file/)).toBeNull();
  });

  it('is asked for again in a browser, which keeps paths to itself', async () => {
    location.hash = '#/runs';
    renderWithStore(<Shell />);
    fireEvent.drop(window, { dataTransfer: transfer('m.gguf') });
    await screen.findByRole('dialog', { name: 'Import model' });
    expect((screen.getByLabelText('Path') as HTMLInputElement).value).toBe('');
  });
});
