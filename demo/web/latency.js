// What passes between the end of a question and the first sound of its answer, in order.
export const PARTS = [
  ['vad', 'VAD'],
  ['end_of_turn', 'End of turn'],
  ['asr', 'ASR'],
  ['retrieval', 'Retrieval'],
  ['first_token', 'First token'],
  ['first_sound', 'First sound'],
];

const MEASURABLE_S = 0.0005;

/**
 * The parts of a latency for a stacked bar: {total, parts: [{name, label, seconds, share}]}, shares of the longer of
 * `total` and the sum. What the parts do not account for is the part "other". Null where nothing was measured.
 */
export function split(latency) {
  const measured = (value) => (Number.isFinite(value) && value > 0 ? value : 0);
  const parts = PARTS.map(([name, label]) => ({ name, label, seconds: measured(latency?.[name]) }));
  const sum = parts.reduce((seconds, part) => seconds + part.seconds, 0);
  const total = Math.max(measured(latency?.total), sum);
  if (total < MEASURABLE_S) return null;
  if (total - sum >= MEASURABLE_S) parts.push({ name: 'other', label: 'Other', seconds: total - sum });
  return {
    total,
    parts: parts.filter((part) => part.seconds > 0).map((part) => ({ ...part, share: part.seconds / total })),
  };
}
