/** 533 -> "8:53", 3725 -> "1:02:05". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** The time of day at which second t of the session was; zeroWall is Unix time. */
export function timeOfDay(zeroWall, t, locale) {
  const at = new Date((zeroWall + t) * 1000);
  return at.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** 0.084 -> "84 ms", 1.234 -> "1.23 s". */
export function duration(seconds) {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}

/** At most `length` characters, cut at a word where one ends near, with an ellipsis. */
export function shorten(text, length) {
  const flat = text.replace(/\s+/g, ' ').trim();
  if (flat.length <= length) return flat;
  const cut = flat.slice(0, length - 1);
  const space = cut.lastIndexOf(' ');
  return `${(space > length * 0.6 ? cut.slice(0, space) : cut).trimEnd()}…`;
}

/** Tags come as names or as [name, probability]; the result is [name, probability or null]. */
export function tag(value) {
  return Array.isArray(value) ? [String(value[0]), Number(value[1] ?? NaN) || null] : [String(value), null];
}

/** "heard", "seen", "read" or "" for the modality of an evidence, a hit or a watch. */
export function sense(modality) {
  const name = String(modality ?? '').toLowerCase();
  if (/said|speech|audio|heard|utter|sound/.test(name)) return 'heard';
  if (/seen|vis|image|frame|tag|picture/.test(name)) return 'seen';
  if (/read|text|ocr|screen/.test(name)) return 'read';
  return '';
}
