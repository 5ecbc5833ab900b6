export default function ModelsPage(_: { id: string | null }) {
  return null;
}
