import { l10n } from 'vscode';
import type { Loss, Refusal } from '../attachment/attachmentState';
import { longestReachMs, type RecordingDamage } from '../attachment/openedRecording';
import type { RecordingFailure } from '../attachment/recorder';
import { addressOf, type Identity, type Target } from '../attachment/target';
import { protocolVersion } from '@pickscope/protocol/service';
import { settings } from '../contributions';

const rootsFile = settings.tlsRootsFile;

/** What happened, as a sentence. What happens next is shown beside it: the time of the next try, or that it waits. */
export function lossText(loss: Loss, target: Target): string {
  const address = addressOf(target);
  switch (loss.kind) {
    case 'unreachable':
      return withDetail(l10n.t('Nobody answers at {0}.', address), loss.detail);
    case 'closed':
      return withDetail(l10n.t('The client closed the stream.'), loss.detail);
    case 'silent':
      return l10n.t('The client has said nothing for 5 seconds; its process may be stopped.');
    case 'gap':
      return l10n.t('Messages were lost on the way; a new snapshot is being asked for.');
    case 'gone':
      return l10n.t('The process has ended.');
    case 'unannounced':
      return l10n.t('The client is not announced any more: its descriptor is missing. Its process has probably ended.');
    case 'failed':
      return withDetail(l10n.t('The stream could not be read.'), loss.detail);
  }
}

/** What happened, to what, and what to do next. */
export function refusalText(refusal: Refusal, target: Target, identity: Identity): string {
  const address = addressOf(target);
  switch (refusal.kind) {
    case 'versionMismatch':
      return versionText(refusal.theirs, identity);
    case 'wrongToken':
      return target.kind === 'client'
        ? l10n.t(
            '{0} does not accept the token of its own descriptor. Restart the client, then try again.',
            identity.name,
          )
        : l10n.t('The client at {0} does not accept this token. Enter the one that it was started with.', address);
    case 'wrongCertificate':
      return withDetail(certificateText(target, identity), refusal.detail);
    case 'badRoots':
      return withDetail(
        l10n.t('The roots that are to be trusted cannot be used. Correct the setting {0}, then try again.', rootsFile),
        refusal.detail,
      );
    case 'notPickscope':
      return l10n.t(
        'A gRPC server answers at {0}, but it is not a client’s debug server. Check the address: it must be the one in PICKSCOPE_LISTEN.',
        address,
      );
    case 'tooManyWatchers':
      return l10n.t(
        '{0} has as many watchers as it allows. It is attached as soon as there is room: detach it in another window.',
        identity.name,
      );
  }
}

/** Why a recording is not shown to its end, or not from its beginning, and what to do where something can be done. */
export function damageText(damage: RecordingDamage): string {
  switch (damage.kind) {
    case 'foreign':
      return l10n.t('This file is not a recording of Pickscope.');
    case 'newer':
      return l10n.t('This recording was made by a newer Pickscope. Update the extension to open it.');
    case 'cut':
      return l10n.t('The recording ends in the middle of a message: what came before it is shown.');
    case 'damaged':
      return l10n.t('The recording is damaged: what came before the damage is shown.');
    case 'file':
      return withDetail(l10n.t('The file cannot be read.'), damage.detail);
    case 'long':
      return l10n.t(
        'The recording is longer than {0} hours: its last {0} hours are shown.',
        longestReachMs / 3_600_000,
      );
  }
}

/** Why a client is not recorded any more. The file up to then can be opened. */
export function recordingFailureText(failure: RecordingFailure, name: string): string {
  switch (failure.kind) {
    case 'file':
      return withDetail(l10n.t('The file cannot be written; what is in it can be opened.'), failure.detail);
    case 'tooManyWatchers':
      return l10n.t(
        '{0} has as many watchers as it allows, and a recording takes a place. Detach it in another window.',
        name,
      );
    default:
      return l10n.t('{0} no longer accepts this watcher; the log says why.', name);
  }
}

function certificateText(target: Target, { name }: Identity): string {
  if (target.kind === 'client') {
    return l10n.t(
      'Whoever answers at {0} does not show the certificate that {1} announced. Restart the client, then try again.',
      addressOf(target),
      name,
    );
  }
  return l10n.t(
    'The certificate of {0} is not trusted. Check the address, or name the root of that certificate in the setting {1}, then try again.',
    target.address,
    rootsFile,
  );
}

function versionText(theirs: string, { name }: Identity): string {
  const ours = `${protocolVersion.major}.${protocolVersion.minor}`;
  const theirMajor = Number.parseInt(theirs, 10);
  if (theirMajor > protocolVersion.major) {
    return l10n.t('{0} speaks protocol {1}, this Pickscope {2}. Update the extension.', name, theirs, ours);
  }
  return l10n.t(
    '{0} speaks protocol {1}, this Pickscope {2}. Update the library in the client.',
    name,
    theirs || '?',
    ours,
  );
}

/** The detail is gRPC's or the client's own, in English. */
function withDetail(sentence: string, detail: string): string {
  return detail === '' ? sentence : `${sentence} (${detail})`;
}
