import { ApiError, endpoint, get, post } from './api';
import { formatCount, text } from './texts';
import { type LaunchEstimate } from './types';

/** Milliseconds for which a flow may be starting. */
const patience = 5000;

/** What the runtime says of a trigger that does not run, or not yet. */
const startingCodes = new Set(['E_UNKNOWN_TRIGGER', 'E_NOT_DEPLOYED', 'E_STORE_UNAVAILABLE']);

/** Whether a trigger's button may be pressed: what is drawn must be what runs. */
export function canLaunch(node: RedNode): boolean {
  return node.changed !== true && node.valid !== false && node.d !== true && (node.mode ?? 'launch') === 'launch';
}

/** Asks how many people a launch would enter, lets the user confirm, and launches. */
export async function launch(node: RedNode): Promise<void> {
  if ((node.mode ?? 'launch') !== 'launch') return warn(text('launch.eventMode'));
  if (node.changed === true) return warn(text('launch.notDeployed'));
  if (node.valid === false) return warn(text('launch.invalid'));
  try {
    confirm(node, await estimate(node));
  } catch (error) {
    failed(error);
  }
}

/**
 * How many people a launch would enter. Asked again for a few seconds while the flow is still starting: whoever has
 * just pressed Deploy may be quicker than the runtime.
 */
async function estimate(node: RedNode): Promise<LaunchEstimate> {
  const end = performance.now() + patience;
  for (;;) {
    try {
      return await get<LaunchEstimate>(endpoint('trigger', node.id, 'estimate'));
    } catch (error) {
      const starting = error instanceof ApiError && startingCodes.has(error.code ?? '');
      if (!starting || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}

function confirm(node: RedNode, estimate: LaunchEstimate): void {
  const name = nameOf(node);
  const people = text('launch.people', { count: estimate.audience, shown: formatCount(estimate.audience) });
  const content = $('<div></div>').append(
    $('<h4 class="marketing-launch-title"></h4>').text(text('launch.question', { name })),
    $('<p></p>').text(estimate.audience === 0 ? text('launch.nobody') : people),
  );
  if (estimate.state !== undefined && estimate.state !== '' && estimate.state !== 'draft') {
    $('<p class="marketing-quiet"></p>')
      .text(text('launch.state', { state: estimate.state }))
      .appendTo(content);
  }
  const box = RED.notify(content, {
    modal: true,
    fixed: true,
    id: `marketing-launch-${node.id}`,
    buttons: [
      { text: text('launch.cancel'), click: () => box.close() },
      {
        text: text('launch.go'),
        class: 'primary marketing-launch-go',
        click: () => {
          box.close();
          void start(node);
        },
      },
    ],
  });
}

async function start(node: RedNode): Promise<void> {
  try {
    await post<object>(endpoint('trigger', node.id, 'launch'), {});
    RED.notify(text('launch.started', { name: RED.utils.sanitize(nameOf(node)) }), { type: 'success', timeout: 4000 });
  } catch (error) {
    failed(error);
  }
}

function nameOf(node: RedNode): string {
  return String(node.name || text('launch.unnamed'));
}

function warn(message: string): void {
  RED.notify(message, 'warning');
}

function failed(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  RED.notify(RED.utils.sanitize(text('launch.failed', { message })), 'error');
}
