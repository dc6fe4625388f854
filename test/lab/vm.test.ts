import {zstdCompressSync} from 'node:zlib';
import test from 'ava';
import {kernelOf} from './packages.ts';
import {clocksAgree, foldersTo} from './vm.ts';

const kernel = Buffer.from(`\u007FELF${'code '.repeat(200)}`, 'latin1');

/** A bzImage: boot sector, setup sectors, and a payload with its unpacked length at the end. */
function imageWith(packed: Buffer): Buffer {
  const [setupSectors, offset] = [3, 40];
  const image = Buffer.alloc((setupSectors + 1) * 512 + offset);
  image[0x1f1] = setupSectors;
  image.writeUInt32LE(offset, 0x248);
  image.writeUInt32LE(packed.length + 4, 0x24c);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(kernel.length);
  return Buffer.concat([image, packed, length, Buffer.from('relocations')]);
}

test('the kernel is found in an image packed with zstd', (t) => {
  const found = kernelOf(imageWith(zstdCompressSync(kernel)), () => t.fail() as never);
  t.deepEqual(found, kernel);
});

test('an image not packed with zstd is unpacked as xz, without its length and what follows', (t) => {
  const packed = Buffer.from('as if packed by xz');
  const found = kernelOf(imageWith(packed), (given) => {
    t.deepEqual(given, packed);
    return kernel;
  });
  t.deepEqual(found, kernel);
});

test('there is no kernel in an image that neither unpacks', (t) => {
  t.is(
    kernelOf(imageWith(Buffer.from('lzo or the like')), () => Buffer.alloc(0)),
    undefined,
  );
});

test('every folder that leads to a program is opened, the root is not', (t) => {
  t.deepEqual(foldersTo(['/home/u/hactl/.', '/home/u/.cache/hactl/programs/1/.', '/usr/bin/node']), [
    '/home',
    '/home/u',
    '/home/u/.cache',
    '/home/u/.cache/hactl',
    '/home/u/.cache/hactl/programs',
    '/home/u/.cache/hactl/programs/1',
    '/home/u/hactl',
    '/usr',
    '/usr/bin',
  ]);
});

test('a guest clock running eight times too fast is detected, a slightly wrong one is not', (t) => {
  t.false(clocksAgree(2, 16));
  t.false(clocksAgree(16, 2));
  t.true(clocksAgree(2, 2.2));
  t.true(clocksAgree(3, 2.5));
});
