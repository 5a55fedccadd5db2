/** Names of the outputs of each kind of station: in counters, reasons, and results of branches. */
const PORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  send: ['sent', 'failed', 'suppressed'],
  delay: ['released', 'timed out'],
  approval: ['approved', 'rejected', 'timed out'],
  join: ['joined', 'timed out'],
  compensate: ['undone', 'partly undone'],
};

/** The outputs of a kind of station, in their order. */
export function portNamesOf(kind: string): readonly string[] {
  return PORT_NAMES[kind] ?? ['released'];
}

/** The name of one output. */
export function portName(kind: string, port: number): string {
  return portNamesOf(kind)[port] ?? `output ${port + 1}`;
}
