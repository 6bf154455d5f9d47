/*
 * Every id that package.json contributes, typed once. A test compares the two in both directions.
 */

export const commands = {
  attach: 'pickscope.attach',
  attachTo: 'pickscope.attachTo',
  enterAddress: 'pickscope.enterAddress',
  enterToken: 'pickscope.enterToken',
  detach: 'pickscope.detach',
  select: 'pickscope.select',
  retryNow: 'pickscope.retryNow',
  focus: 'pickscope.focus',
  pause: 'pickscope.pause',
  resume: 'pickscope.resume',
  clear: 'pickscope.clear',
  focusFilter: 'pickscope.focusFilter',
  openInEditor: 'pickscope.openInEditor',
  askWhy: 'pickscope.askWhy',
  compareClients: 'pickscope.compareClients',
  compareChannels: 'pickscope.compareChannels',
  showKeys: 'pickscope.showKeys',
  record: 'pickscope.record',
  stopRecording: 'pickscope.stopRecording',
  openRecording: 'pickscope.openRecording',
  exportPicks: 'pickscope.exportPicks',
  exportPicture: 'pickscope.exportPicture',
  makeAttachable: 'pickscope.makeAttachable',
  stopAttachable: 'pickscope.stopAttachable',
  copyImportLine: 'pickscope.copyImportLine',
  openWalkthrough: 'pickscope.openWalkthrough',
  showLog: 'pickscope.showLog',
} as const;

export const viewContainer = 'pickscope';

export const views = {
  clients: 'pickscope.clients',
  picks: 'pickscope.picks',
} as const;

/** Types of editor tabs that hold a panel: of a client, and of a recording. */
export const tabs = {
  panel: 'pickscope.panel',
  recording: 'pickscope.recording',
} as const;

/** Of the names of recordings. */
export const recordingExtension = 'pickscope';

export const walkthrough = 'pickscope.start';

/** Settings, with the type that package.json declares for each. */
export interface Settings {
  /** Megabytes of single picks that are kept for each attached client. */
  'pickscope.pickBudgetMegabytes': number;
  /** Whether a lost or restarted client is attached again by itself, also after a window reload. */
  'pickscope.reattach': boolean;
  /** Names of clients that are attached as soon as they are found. */
  'pickscope.autoAttach': string[];
  /** Folders to look for clients in, besides the usual ones. */
  'pickscope.runtimeFolders': string[];
  /** PEM file with roots that are trusted besides the editor's, for addresses that speak TLS; '': none. */
  'pickscope.tlsRootsFile': string;
}

export const settings = {
  pickBudgetMegabytes: 'pickscope.pickBudgetMegabytes',
  reattach: 'pickscope.reattach',
  autoAttach: 'pickscope.autoAttach',
  runtimeFolders: 'pickscope.runtimeFolders',
  tlsRootsFile: 'pickscope.tlsRootsFile',
} as const satisfies Record<string, keyof Settings>;

/** Context keys, for when-clauses. */
export const contexts = {
  /** Some client is attached, in whatever state. */
  attached: 'pickscope.attached',
  /** The selected client is lost or refused: trying again makes sense. */
  retryable: 'pickscope.retryable',
  /** The side panel shows a moment of the past. */
  paused: 'pickscope.paused',
  /** The panel in the editor tab that is on top does. */
  tabPaused: 'pickscope.tabPaused',
  /** A pick was inspected, in whatever panel, since VS Code was started. */
  inspected: 'pickscope.inspected',
  /** So was asked why an endpoint was not taken. */
  asked: 'pickscope.asked',
  /** What the selected client sends is written to a file. */
  isRecording: 'pickscope.isRecording',
  /** Programs that are started in a terminal, or debugged, are made attachable. */
  programsAttachable: 'pickscope.programsAttachable',
} as const;

/** Values of a tree item's contextValue, for when-clauses. */
export const treeItems = {
  available: 'client.available',
  attached: 'client.attached',
  retryable: 'client.retryable',
  /** Attached, and written to a file. */
  recording: 'client.recording',
} as const;
