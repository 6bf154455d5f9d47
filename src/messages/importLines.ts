/** What programs that can be attached to are written with. */
export const programKinds = ['goZero', 'go', 'node'] as const;
export type ProgramKind = (typeof programKinds)[number];

/** As they are called: proper names. */
export const programNames: Readonly<Record<ProgramKind, string>> = {
  goZero: 'go-zero',
  go: 'grpc-go',
  node: '@grpc/grpc-js',
};

/** The line that brings the library into a program. In Go it does nothing unless PICKSCOPE=1 is in the environment. */
export const importLines: Readonly<Record<ProgramKind, string>> = {
  goZero: 'import _ "github.com/pickscope/pickscope/libraries/go/gozero/auto"',
  go: 'import _ "github.com/pickscope/pickscope/libraries/go/auto"',
  node: "import '@pickscope/grpc-js/attach';",
};
