import type { FlowNode } from '../../definitions';
import type { EmbeddedNodeRed } from '../node-red';
import type { FlowRuntime } from './types';

/** The flows of the Node-RED in this process. A deploy restarts nothing but the nodes that changed. */
export function embeddedFlows(nodeRed: Pick<EmbeddedNodeRed, 'runtime'>): FlowRuntime {
  const { flows } = nodeRed.runtime;
  return {
    async read() {
      const running = await flows.getFlows({});
      return running ? { nodes: running.flows as readonly FlowNode[], revision: running.rev } : undefined;
    },
    async deploy(nodes, revision) {
      await flows.setFlows({ flows: { flows: nodes, rev: revision }, deploymentType: 'nodes' });
    },
  };
}
