/** Does `each` with every item, so many at once, in their order. */
export async function atOnce(count, items, each) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await each(items[next], next++);
  };
  await Promise.all(Array.from({ length: count }, worker));
}
