/**
 * Recorded facts of distributions: os-release(5) as each ships it (lines that nothing reads are left out), what `uname -r` and
 * `uname -m` say there, and the names under which that very kernel's headers and debug information are packaged.
 */
export interface Recorded {
  readonly name: string;
  readonly osRelease: string;
  readonly kernel: string;
  readonly arch: string;
  readonly headers: string;
  readonly debuginfo: string;
  readonly bpftrace: string;
}

const debian12 = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
`;
const ubuntu2404 = `PRETTY_NAME="Ubuntu 24.04.4 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04.4 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=noble
LOGO=ubuntu-logo
`;
const rhel = (version: string, code: string, like: string) => `NAME="Red Hat Enterprise Linux"
VERSION="${version} (${code})"
ID="rhel"
ID_LIKE="${like}"
VERSION_ID="${version}"
PLATFORM_ID="platform:el${version.split('.')[0] ?? ''}"
PRETTY_NAME="Red Hat Enterprise Linux ${version} (${code})"
ANSI_COLOR="0;31"
`;
const rocky9 = `NAME="Rocky Linux"
VERSION="9.3 (Blue Onyx)"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.3"
PLATFORM_ID="platform:el9"
PRETTY_NAME="Rocky Linux 9.3 (Blue Onyx)"
`;
const centos7 = `NAME="CentOS Linux"
VERSION="7 (Core)"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="7"
PRETTY_NAME="CentOS Linux 7 (Core)"
`;
const fedora41 = `NAME="Fedora Linux"
VERSION="41 (Server Edition)"
RELEASE_TYPE=stable
ID=fedora
VERSION_ID=41
VERSION_CODENAME=""
PLATFORM_ID="platform:f41"
PRETTY_NAME="Fedora Linux 41 (Server Edition)"
ANSI_COLOR="0;38;2;60;110;180"
`;
const sles15 = `NAME="SLES"
VERSION="15-SP6"
VERSION_ID="15.6"
PRETTY_NAME="SUSE Linux Enterprise Server 15 SP6"
ID="sles"
ID_LIKE="suse"
ANSI_COLOR="0;32"
CPE_NAME="cpe:/o:suse:sles:15:sp6"
`;
const tumbleweed = `NAME="openSUSE Tumbleweed"
# VERSION="20250527"
ID="opensuse-tumbleweed"
ID_LIKE="opensuse suse"
VERSION_ID="20250527"
PRETTY_NAME="openSUSE Tumbleweed"
ANSI_COLOR="0;32"
`;
const amazon2 = `NAME="Amazon Linux"
VERSION="2"
ID="amzn"
ID_LIKE="centos rhel fedora"
VERSION_ID="2"
PRETTY_NAME="Amazon Linux 2"
`;
const amazon2023 = `NAME="Amazon Linux"
VERSION="2023"
ID="amzn"
ID_LIKE="fedora"
VERSION_ID="2023"
PLATFORM_ID="platform:al2023"
PRETTY_NAME="Amazon Linux 2023.10.20260216"
`;

const apt = { bpftrace: 'apt-get install --yes bpftrace' };
const dnf = { bpftrace: 'dnf install --assumeyes bpftrace' };
const yum = { bpftrace: 'yum install --assumeyes bpftrace' };
const zypper = { bpftrace: 'zypper --non-interactive install bpftrace' };
const x86 = { arch: 'x86_64' };
const debug = `'--enablerepo=*debug*'`;

export const recorded: readonly Recorded[] = [
  { name: 'Debian 12', osRelease: debian12, ...x86, ...apt, kernel: '6.1.0-28-amd64',
    headers: 'apt-get install --yes linux-headers-6.1.0-28-amd64',
    debuginfo: 'apt-get install --yes linux-image-6.1.0-28-amd64-dbg' },
  { name: 'Debian, cloud kernel', osRelease: debian12, ...x86, ...apt, kernel: '7.2.12+deb14-cloud-amd64',
    headers: 'apt-get install --yes linux-headers-7.2.12+deb14-cloud-amd64',
    debuginfo: 'apt-get install --yes linux-image-7.2.12+deb14-cloud-amd64-dbg' },
  { name: 'Ubuntu 24.04', osRelease: ubuntu2404, ...x86, ...apt, kernel: '6.8.0-134-generic',
    headers: 'apt-get install --yes linux-headers-6.8.0-134-generic',
    debuginfo: 'apt-get install --yes systemtap ubuntu-dbgsym-keyring; stap-prep' },
  { name: 'Ubuntu on AWS', osRelease: ubuntu2404, ...apt, kernel: '6.17.0-1007-aws', arch: 'aarch64',
    headers: 'apt-get install --yes linux-headers-6.17.0-1007-aws',
    debuginfo: 'apt-get install --yes systemtap ubuntu-dbgsym-keyring; stap-prep' },
  { name: 'RHEL 8', osRelease: rhel('8.9', 'Ootpa', 'fedora'), ...x86, ...dnf, kernel: '4.18.0-513.5.1.el8_9.x86_64',
    headers: 'dnf install --assumeyes kernel-devel-4.18.0-513.5.1.el8_9.x86_64',
    debuginfo: `dnf install --assumeyes ${debug} kernel-debuginfo-4.18.0-513.5.1.el8_9.x86_64 kernel-debuginfo-common-x86_64-4.18.0-513.5.1.el8_9.x86_64` },
  { name: 'RHEL 10, 64k pages', osRelease: rhel('10.1', 'Coughlan', 'centos fedora'), ...dnf, kernel: '6.12.0-124.8.1.el10_1.aarch64+64k', arch: 'aarch64',
    headers: 'dnf install --assumeyes kernel-64k-devel-6.12.0-124.8.1.el10_1.aarch64',
    debuginfo: `dnf install --assumeyes ${debug} kernel-64k-debuginfo-6.12.0-124.8.1.el10_1.aarch64 kernel-64k-debuginfo-common-aarch64-6.12.0-124.8.1.el10_1.aarch64` },
  { name: 'Rocky 9', osRelease: rocky9, ...x86, ...dnf, kernel: '5.14.0-362.8.1.el9_3.x86_64',
    headers: 'dnf install --assumeyes kernel-devel-5.14.0-362.8.1.el9_3.x86_64',
    debuginfo: `dnf install --assumeyes ${debug} kernel-debuginfo-5.14.0-362.8.1.el9_3.x86_64 kernel-debuginfo-common-x86_64-5.14.0-362.8.1.el9_3.x86_64` },
  { name: 'CentOS 7', osRelease: centos7, ...x86, ...yum, kernel: '3.10.0-1062.el7.x86_64',
    headers: 'yum install --assumeyes kernel-devel-3.10.0-1062.el7.x86_64',
    debuginfo: `yum install --assumeyes ${debug} kernel-debuginfo-3.10.0-1062.el7.x86_64 kernel-debuginfo-common-x86_64-3.10.0-1062.el7.x86_64` },
  { name: 'Fedora 41', osRelease: fedora41, ...x86, ...dnf, kernel: '6.11.4-301.fc41.x86_64',
    headers: 'dnf install --assumeyes kernel-devel-6.11.4-301.fc41.x86_64',
    debuginfo: `dnf install --assumeyes ${debug} kernel-debuginfo-6.11.4-301.fc41.x86_64 kernel-debuginfo-common-x86_64-6.11.4-301.fc41.x86_64` },
  { name: 'SLES 15 SP6', osRelease: sles15, ...x86, ...zypper, kernel: '6.4.0-150600.23.25-default',
    headers: 'zypper --non-interactive install kernel-default-devel=6.4.0-150600.23.25',
    debuginfo: 'zypper --non-interactive --plus-content debug install kernel-default-debuginfo=6.4.0-150600.23.25' },
  { name: 'openSUSE Tumbleweed', osRelease: tumbleweed, ...x86, ...zypper, kernel: '6.15.0-1-default',
    headers: 'zypper --non-interactive install kernel-default-devel=6.15.0-1',
    debuginfo: 'zypper --non-interactive --plus-content debug install kernel-default-debuginfo=6.15.0-1' },
  { name: 'Amazon Linux 2', osRelease: amazon2, ...x86, ...yum, kernel: '4.14.334-252.552.amzn2.x86_64',
    headers: 'yum install --assumeyes kernel-devel-4.14.334-252.552.amzn2.x86_64',
    debuginfo: `yum install --assumeyes ${debug} kernel-debuginfo-4.14.334-252.552.amzn2.x86_64 kernel-debuginfo-common-x86_64-4.14.334-252.552.amzn2.x86_64` },
  { name: 'Amazon Linux 2023', osRelease: amazon2023, ...x86, ...dnf, kernel: '6.1.134-152.225.amzn2023.x86_64',
    headers: 'dnf install --assumeyes kernel-devel-6.1.134-152.225.amzn2023.x86_64',
    debuginfo: `dnf install --assumeyes ${debug} kernel-debuginfo-6.1.134-152.225.amzn2023.x86_64 kernel-debuginfo-common-x86_64-6.1.134-152.225.amzn2023.x86_64` },
  { name: 'Amazon Linux 2023, kernel 6.12', osRelease: amazon2023, ...x86, ...dnf, kernel: '6.12.80-106.156.amzn2023.x86_64',
    headers: 'dnf install --assumeyes kernel6.12-devel-6.12.80-106.156.amzn2023.x86_64',
    debuginfo: `dnf install --assumeyes ${debug} kernel6.12-debuginfo-6.12.80-106.156.amzn2023.x86_64 kernel6.12-debuginfo-common-x86_64-6.12.80-106.156.amzn2023.x86_64` },
]; // prettier-ignore
