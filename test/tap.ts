/** Counts the results in a TAP stream (AVA's --tap). Ignores other lines, such as a VM's console output. */
export function countTap(text: string): {passed: number; failed: number} {
  let [passed, failed] = [0, 0];
  for (const line of text.split('\n')) {
    const match = /^(not )?ok \d+/.exec(line.trimEnd());
    if (!match) continue;
    if (/# (SKIP|TODO)/i.test(line)) continue;
    if (match[1]) failed += 1;
    else passed += 1;
  }
  return {passed, failed};
}
