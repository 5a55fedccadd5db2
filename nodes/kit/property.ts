import type { FlowMessage, NodeKit } from './node';

/** The value of a typed input for a message. Rejects with Node-RED's own error when it cannot be evaluated. */
export function evaluate(kit: NodeKit, value: string, type: string, msg: FlowMessage): Promise<unknown> {
  return new Promise((resolve, reject) => {
    kit.red.util.evaluateNodeProperty(value, type, kit.node, msg, (error: Error | null, result: unknown) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}
