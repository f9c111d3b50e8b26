/* The header of a .safetensors file, read before a byte of it is sent, and what the site recognizes in it. */

const MOST_HEADER_BYTES = 16 << 20;
// The site takes bodies of 2 MiB; quotes are doubled on the way.
const MOST_SENT_CHARS = 1_200_000;
const MOST_VALUE_CHARS = 20_000;

/** What the site says of the file, or null where its header is too long or is none. Raises a Refusal for a broken one. */
export async function recognize(api, file) {
  const start = new DataView(await file.slice(0, 8).arrayBuffer());
  if (start.byteLength < 8) return null;
  const length = Number(start.getBigUint64(0, true));
  if (length < 2 || length > Math.min(MOST_HEADER_BYTES, file.size - 8)) return null;
  const bytes = await file.slice(8, 8 + length).arrayBuffer();
  const text = new TextDecoder().decode(bytes);
  if (!text.startsWith("{")) return null;
  const header = text.length > MOST_SENT_CHARS ? withoutLongValues(text) : text;
  if (header === null || header.length > MOST_SENT_CHARS) return null;
  const sent = new TextEncoder().encode(header).length;
  return api.call("POST", "recognize", { name: file.name, size: file.size - length + sent, header });
}

/** The same header without what training tools write by the megabyte; null where it cannot be read. */
function withoutLongValues(text) {
  try {
    const header = JSON.parse(text);
    const kept = Object.entries(header.__metadata__ || {}).filter(([, value]) => value.length <= MOST_VALUE_CHARS);
    return JSON.stringify({ ...header, __metadata__: Object.fromEntries(kept) });
  } catch {
    return null;
  }
}
