import { spawnSync } from 'node:child_process';

/** What Python's `email` package, which shares no code with ours, reads out of a message. */
export interface ParsedMail {
  headers: [string, string][];
  subject: string;
  from: [string, string][];
  to: [string, string][];
  parts: { type: string; encoding: string; text: string }[];
  defects: string[];
}

const SCRIPT = `
import sys, json, base64
from email import message_from_bytes
from email.policy import default
from email.header import decode_header, make_header
from email.utils import getaddresses
out = []
for line in sys.stdin:
    m = message_from_bytes(base64.b64decode(line), policy=default)
    raw = {k.lower(): str(v) for k, v in m.raw_items()}
    unfold = lambda h: raw[h].replace("\\r", "").replace("\\n", "")
    # The new parser of Python 3.11 puts blanks between the encoded words of a display name; the old one follows RFC 2047.
    boxes = lambda h: [[str(make_header(decode_header(n))), a] for n, a in getaddresses([unfold(h)])]
    parts, defects = [], [str(d) for d in m.defects]
    for p in m.walk():
        defects += [str(d) for d in p.defects]
        if not p.is_multipart():
            parts.append({"type": p.get_content_type(), "encoding": p["content-transfer-encoding"],
                          "text": p.get_payload(decode=True).decode("utf-8")})
    out.append({"headers": [[k, str(v)] for k, v in m.raw_items()], "subject": str(m["subject"]),
                "from": boxes("from"), "to": boxes("to"), "parts": parts, "defects": defects})
json.dump(out, sys.stdout)
`;

/** True when this machine has Python 3; the tests that need it say so when it has not. */
export function hasPython(): boolean {
  return spawnSync('python3', ['-c', 'import email.policy']).status === 0;
}

/** Parses a batch of messages in one Python process. */
export function parseMails(raws: readonly string[]): ParsedMail[] {
  const input = raws.map((raw) => Buffer.from(raw, 'latin1').toString('base64')).join('\n');
  const result = spawnSync('python3', ['-c', SCRIPT], { input, encoding: 'utf8', maxBuffer: 1e9 });
  if (result.status !== 0) throw new Error(`Python could not read the messages: ${result.stderr}`);
  return JSON.parse(result.stdout) as ParsedMail[];
}
