export default function DatasetPage(_: { id: string }) {
  return null;
}
