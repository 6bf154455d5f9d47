/** go-zero's codes.Acceptable, inverted: DeadlineExceeded, ResourceExhausted, Unimplemented, Internal, Unavailable, DataLoss. */
const failures = [4, 8, 12, 13, 14, 15];

/** By gRPC status code; an array, since a policy asks at every end of a call. */
const failing = Array.from({ length: 17 }, (_, code) => failures.includes(code));

/** Whether a call that ended with this gRPC status code counts as a failure of its backend. */
export function isFailure(code: number): boolean {
  return failing[code] === true;
}
