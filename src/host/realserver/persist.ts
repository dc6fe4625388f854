/** Makes the plan persistent: files for the usual network tools, and the commands for Windows. Pure. */
import {familyOf, hostLength} from '../networks.ts';
import type {Persist} from './persist-forms.ts';
import {nftRules, vipDevice, type Goal} from './realserver-plan.ts';

export interface PersistentFile {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

export interface Persistent {
  readonly files: readonly PersistentFile[];
  /** Manual steps that remain. */
  readonly after: readonly string[];
}

const HEAD = '# Written by hactl realserver: a real server of a virtual address.\n';
const SYSCTL_FILE = '/etc/sysctl.d/90-hactl-realserver.conf';
const cidr = (vip: string): string => `${vip}/${hostLength(familyOf(vip))}`;
const file = (path: string, text: string, mode = 0o644): PersistentFile => ({path, mode, text});

/** `device`: the interface that faces the director; `own`: its address, for arptables and nft. */
export function persistReal(
  goal: Goal,
  form: Persist,
  where: {readonly device: string; readonly own: string},
): Persistent {
  if (form === 'windows') return {files: [], after: windows(goal)};
  if (goal.method === 'masq')
    return {
      files: [],
      after: [`set the default gateway to ${goal.gateway} where this machine's network is configured`],
    };
  const boot = bootCommands(goal, where);
  const sysctls = sysctlFile(goal, where.device);
  const common = [
    ...(sysctls === '' ? [] : [file(SYSCTL_FILE, HEAD + sysctls)]),
    // ifupdown runs the commands by itself.
    ...(boot.length === 0 || form === 'ifupdown' ? [] : [file(UNIT_FILE, unit(boot))]),
    ...(goal.method === 'ipip' ? [file('/etc/modules-load.d/hactl-realserver.conf', modules(goal))] : []),
  ];
  const after = [
    ...(sysctls === '' ? [] : [`sysctl -p ${SYSCTL_FILE}`]),
    ...(boot.length === 0 || form === 'ifupdown' ? [] : [`systemctl enable ${UNIT}`]),
  ];
  const network = networkFiles(goal, form, boot, sysctls !== '');
  return {files: [...common, ...network.files], after: [...after, ...network.after]};
}

function sysctlFile(goal: Goal, device: string): string {
  const lines =
    goal.form === 'arp_ignore' && goal.vips.some((vip) => familyOf(vip) === 4)
      ? ['all', device].flatMap((name) => [
          `net.ipv4.conf.${name.replaceAll('.', '/')}.arp_ignore = 1`,
          `net.ipv4.conf.${name.replaceAll('.', '/')}.arp_announce = 2`,
        ])
      : [];
  if (goal.method === 'ipip')
    lines.push('net.ipv4.conf.all.rp_filter = 0', 'net.ipv4.conf.tunl0.rp_filter = 0');
  return lines.map((line) => `${line}\n`).join('');
}

const modules = (goal: Goal): string =>
  HEAD + [...new Set(goal.vips.map((vip) => (familyOf(vip) === 4 ? 'ipip\n' : 'ip6_tunnel\n')))].join('');

/** On one line nft needs semicolons in place of line breaks. */
const oneLine = (rules: string): string => rules.replaceAll('\n\t}', '; };').replaceAll(/\s+/g, ' ').trim();

/** Commands for which network tools have no setting. */
function bootCommands(goal: Goal, {own}: {readonly own: string}): string[] {
  if (goal.form === 'arp_ignore') return [];
  const vips = goal.vips.filter((vip) => familyOf(vip) === 4);
  return vips.flatMap((vip) =>
    goal.form === 'nft'
      ? [`nft '${oneLine(nftRules(vip, own))}'`]
      : [
          `arptables -A INPUT -d ${vip} -j DROP`,
          `arptables -A OUTPUT -s ${vip} -j mangle --mangle-ip-s ${own}`,
        ],
  );
}

const UNIT = 'hactl-realserver.service';
const UNIT_FILE = `/etc/systemd/system/${UNIT}`;
const unit = (commands: readonly string[]): string => `${HEAD}[Unit]
Description=Hide virtual addresses from ARP
DefaultDependencies=no
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
${commands.map((command) => `ExecStart=/bin/sh -c "${command.replaceAll('"', String.raw`\"`)}"`).join('\n')}

[Install]
WantedBy=multi-user.target
`;

function networkFiles(goal: Goal, form: Persist, boot: readonly string[], sysctls: boolean): Persistent {
  const byDevice = Map.groupBy(goal.vips, (vip) => vipDevice(goal.method, vip));
  const each = <T>(make: (device: string, vips: readonly string[]) => T): T[] =>
    [...byDevice].map(([device, vips]) => make(device, vips));
  switch (form) {
    case 'ifupdown':
      return {
        files: [
          file(
            '/etc/network/interfaces.d/hactl-realserver',
            HEAD + each((device, vips) => ifupdown(device, vips, boot, sysctls)).join('\n'),
          ),
        ],
        after: ['/etc/network/interfaces must have the line: source /etc/network/interfaces.d/*'],
      };
    case 'networkd':
      return {
        files: each((device, vips) =>
          file(
            `/etc/systemd/network/10-hactl-realserver-${device}.network`,
            `${HEAD}[Match]\nName=${device}\n\n[Network]\n${vips.map((vip) => `Address=${cidr(vip)}\n`).join('')}`,
          ),
        ),
        after: ['networkctl reload'],
      };
    case 'netplan':
      return goal.method === 'ipip'
        ? {
            files: [],
            after: ['netplan has no setting for the tunl0 of the module: use --persist networkd as well'],
          }
        : {
            files: [
              file(
                '/etc/netplan/90-hactl-realserver.yaml',
                `${HEAD}network:\n  version: 2\n  ethernets:\n    lo:\n      match:\n        name: lo\n      addresses:\n${goal.vips.map((vip) => `        - ${cidr(vip)}\n`).join('')}`,
                0o600,
              ),
            ],
            after: ['netplan apply'],
          };
    case 'networkmanager':
      return goal.method === 'ipip'
        ? {
            files: [],
            after: ['NetworkManager does not manage tunl0: use --persist ifupdown or networkd as well'],
          }
        : {
            files: [
              file(
                '/etc/NetworkManager/system-connections/hactl-realserver.nmconnection',
                keyfile(goal),
                0o600,
              ),
            ],
            after: ['nmcli connection reload', 'nmcli connection up hactl-realserver'],
          };
    case 'ifcfg':
      return {
        files: each((device, vips) => vips.map((vip, index) => ifcfg(device, vip, index))).flat(),
        after: ['ifup of each file, or a restart of the network service'],
      };
    case 'sysctl.d':
    case 'windows':
      return {files: [], after: []};
  }
}

function ifupdown(
  device: string,
  vips: readonly string[],
  boot: readonly string[],
  sysctls: boolean,
): string {
  const before = [...(sysctls ? [`sysctl -q -p ${SYSCTL_FILE}`] : []), ...boot];
  // A tunnel has its own stanza; lo has one already, and a second one adds to it.
  const [first, ...more] = vips;
  const sourceOf = (vip: string): string =>
    device === 'lo'
      ? `    up ip address add ${cidr(vip)} dev lo\n    down ip address del ${cidr(vip)} dev lo\n`
      : '';
  const head =
    device === 'lo' ? 'auto lo\niface lo inet loopback\n' : `auto ${device}\niface ${device} inet manual\n`;
  const tunnel = (vip: string): string => `    up ip address add ${cidr(vip)} dev ${device}\n`;
  return (
    head +
    before.map((command) => `    pre-up ${command}\n`).join('') +
    (device === 'lo'
      ? [first, ...more].map((vip) => sourceOf(vip ?? '')).join('')
      : `    up ip link set ${device} up\n${vips.map(tunnel).join('')}    down ip address flush dev ${device}\n`)
  );
}

const ifcfg = (device: string, vip: string, index: number): PersistentFile => {
  const name = device === 'lo' ? `lo:hactl${index}` : device;
  return file(
    `/etc/sysconfig/network-scripts/ifcfg-${name}`,
    familyOf(vip) === 4
      ? `${HEAD}DEVICE=${name}\nIPADDR=${vip}\nNETMASK=255.255.255.255\nONBOOT=yes\nNAME=${name}\n`
      : `${HEAD}DEVICE=${device}\nIPV6INIT=yes\nIPV6ADDR_SECONDARIES="${cidr(vip)}"\nONBOOT=yes\n`,
  );
};

/** NetworkManager before 1.42 does not manage lo: a dummy interface works too. */
const keyfile = (goal: Goal): string => {
  const of = (family: 4 | 6): string => {
    const vips = goal.vips.filter((vip) => familyOf(vip) === family);
    return `[ipv${family}]\nmethod=${vips.length === 0 ? 'disabled' : 'manual'}\n${vips.map((vip, index) => `address${index + 1}=${cidr(vip)}\n`).join('')}`;
  };
  return `${HEAD}[connection]\nid=hactl-realserver\ntype=dummy\ninterface-name=hactl0\nautoconnect=true\n\n${of(4)}\n${of(6)}`;
};

/** The Windows loopback adapter, and the settings without which it drops packets or answers ARP for the VIP. */
function windows(goal: Goal): string[] {
  if (goal.method === 'masq') return [`netsh interface ipv4 add route 0.0.0.0/0 "LAN" ${goal.gateway}`];
  if (goal.method === 'ipip') return ['Windows does not decapsulate IPIP: use gate or masq'];
  return [
    'Device Manager: Action, Add legacy hardware, Network adapters, Microsoft KM-TEST Loopback Adapter; name it "loopback".',
    'The interface that faces the directors is called "LAN" here.',
    ...goal.vips.map((vip) =>
      familyOf(vip) === 4
        ? `netsh interface ipv4 add address "loopback" ${vip} 255.255.255.255`
        : `netsh interface ipv6 add address "loopback" ${vip}/128`,
    ),
    ...[...new Set(goal.vips.map((vip) => `ipv${familyOf(vip)}`))].flatMap((family) => [
      `netsh interface ${family} set interface "LAN" weakhostreceive=enabled`,
      `netsh interface ${family} set interface "loopback" weakhostreceive=enabled`,
      `netsh interface ${family} set interface "loopback" weakhostsend=enabled`,
    ]),
    'netsh interface ipv4 set interface "loopback" metric=254',
  ];
}
