import type { Attachment } from '../attachment/attachment';
import type { AttachmentState } from '../attachment/attachmentState';
import type { Identity } from '../attachment/target';
import type { AttachmentView, ClientChoice, ConnectingStep } from '../messages/panel';
import { lossText, refusalText } from './failureText';

/** The state of an attachment as the panel shows it. */
export function attachmentView(
  attachment: Pick<Attachment, 'id' | 'state' | 'target' | 'identity'> | undefined,
  paused: boolean,
  programsAttachable: boolean,
  nowMs: number,
): AttachmentView {
  if (!attachment) return { state: 'none', programsAttachable };
  const { state, target, identity } = attachment;
  const client = clientChoice(attachment.id, identity, true);
  switch (state.kind) {
    case 'connecting':
      return { state: 'connecting', client, steps: connectingSteps(state, nowMs) };
    case 'live':
      return { state: 'live', client, paused };
    case 'lost': {
      const { atMs, nextTryMs, tries } = state;
      return { state: 'lost', client, atMs, reason: lossText(state.loss, target), nextTryMs, tries };
    }
    case 'refused': {
      const { refusal, nextTryMs, tries } = state;
      const reason = refusalText(refusal, target, identity);
      return { state: 'refused', client, cause: refusal.kind, reason, nextTryMs, tries };
    }
  }
}

export function clientChoice(id: string, identity: Identity, attached: boolean): ClientChoice {
  const { name, pid, folder, language } = identity;
  return { id, name, pid, folder, language, attached };
}

function connectingSteps(
  { startedMs, connectedMs, describedMs, protocol }: Extract<AttachmentState, { kind: 'connecting' }>,
  nowMs: number,
): ConnectingStep[] {
  const steps: ConnectingStep[] = [
    { step: 'connect', done: connectedMs !== undefined, ms: (connectedMs ?? nowMs) - startedMs },
  ];
  if (connectedMs === undefined) return steps;
  steps.push({
    step: 'describe',
    done: describedMs !== undefined,
    ms: (describedMs ?? nowMs) - connectedMs,
    ...(protocol !== undefined && { protocol }),
  });
  if (describedMs !== undefined) steps.push({ step: 'snapshot', done: false, ms: nowMs - describedMs });
  return steps;
}
