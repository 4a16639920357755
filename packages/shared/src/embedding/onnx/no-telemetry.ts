/**
 * ONNX Runtime reports its use to its maker by default. It reads the process's real environment, which
 * only the main thread can change, so this is called there before a thread loads the library.
 */
export function turnTelemetryOff(): void {
  // The library knows no other switch.
  // oxlint-disable-next-line no-restricted-properties
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
}
