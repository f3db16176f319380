//! A disk of our own making, as an ext4 file system on a loop device whose backing file is served from here
//! (FUSE). It has what real disks have: a cache that forgets, errors, slowness, an end.
//!
//! What is written lies in its cache until it is flushed. When the power is cut, what lies there survives
//! sector by sector by chance, in any order, or not at all; what was flushed is there. That is the least a
//! disk promises, and less than most keep. Not modelled: a disk that lies about flushing, and one that loses
//! what it has flushed.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyWrite, Request, WriteFlags,
};

use super::chance::Chance;
use crate::Tried;
use crate::run::{Run, Running};
use crate::time::Deadline;

/// The least a disk writes whole: the physical sector of today's disks. Where disks tear smaller pieces, ext4
/// itself may need `e2fsck` after a cut, for its superblock.
const SECTOR: usize = 4096;
const NAME: &str = "disk";
const FILE: INodeNo = INodeNo(2);

/// The disk, mounted.
pub struct Disk {
    surface: Arc<Mutex<Surface>>,
    served_at: PathBuf,
    mounted_at: PathBuf,
    session: Option<BackgroundSession>,
}

/// Under load a flush comes sooner.
const A_MOMENT: Duration = Duration::from_millis(300);

/// What a cut took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cut {
    /// Sectors written and not flushed.
    pub unflushed: usize,
    /// Those of them that are gone.
    pub lost: usize,
    /// It came between a write and its flush: one, or none.
    pub at_flush: usize,
}

impl Disk {
    /// A fresh, empty disk of this size.
    pub async fn new(run: &Run, megabytes: usize) -> Tried<Disk> {
        if !rustix::process::geteuid().is_root() {
            return Err("a disk of our own takes root: mounts and loop devices".into());
        }
        let image = run.fresh("image")?.join(NAME);
        let size = megabytes * 1024 * 1024;
        fs::File::create(&image)?.set_len(size as u64)?;
        let lazy = "lazy_itable_init=0,lazy_journal_init=0";
        let image_path = image.display().to_string();
        command(
            run,
            "mkfs.ext4",
            &["-q", "-F", "-m", "0", "-E", lazy, &image_path],
        )
        .await?;
        let surface = Surface::read(&image, size)?;
        fs::remove_file(&image)?;
        let mut disk = Disk {
            surface: Arc::new(Mutex::new(surface)),
            served_at: run.fresh("served")?,
            mounted_at: run.fresh("mounted")?,
            session: None,
        };
        disk.mount(run).await?;
        Ok(disk)
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.mounted_at
    }

    /// Flushes everything, as its file system does by itself within a minute.
    pub fn sync(&self) -> Tried<()> {
        let folder = fs::File::open(&self.mounted_at)?;
        Ok(rustix::fs::syncfs(folder)?)
    }

    /// Cuts the power when the next flush is asked for, before it is done, or at the latest in a moment: nothing
    /// reaches the disk any more until [`Disk::power_up`], and no flush is said to have been done.
    pub async fn lose_power(&self, chance: &mut Chance) -> Cut {
        self.surface().cut_at_flush = true;
        let deadline = Deadline::after(A_MOMENT);
        while self.surface().power && !deadline.passed() {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        let mut surface = self.surface();
        let at_flush = usize::from(!surface.power);
        Cut {
            at_flush,
            ..surface.lose_power(chance)
        }
    }

    /// The same, and nothing survives by chance.
    pub fn lose_everything_unflushed(&self) {
        let mut surface = self.surface();
        surface.power = false;
        for (at, bytes) in std::mem::take(&mut surface.cache) {
            let these = at..at + bytes.len();
            let Surface { seen, durable, .. } = &mut *surface;
            seen[these.clone()].copy_from_slice(&durable[these]);
        }
    }

    /// As when the machine comes up again: whoever used it must be gone.
    pub async fn power_up(&mut self, run: &Run) -> Tried<()> {
        self.unmount(run).await?;
        self.surface().power = true;
        self.mount(run).await
    }

    /// Every write and flush fails from now on, or no longer.
    pub fn fail(&self, failing: bool) {
        self.surface().failing = failing;
    }

    /// Every flush takes so much longer from now on.
    pub fn slow(&self, by: Duration) {
        self.surface().slow = by;
    }

    async fn mount(&mut self, run: &Run) -> Tried<()> {
        let served = Served {
            surface: Arc::clone(&self.surface),
        };
        let session = fuser::spawn_mount(served, &self.served_at, &fuser::Config::default())
            .map_err(|error| format!("FUSE: {error}"))?;
        self.session = Some(session);
        let file = self.served_at.join(NAME).display().to_string();
        let folder = self.mounted_at.display().to_string();
        command(run, "mount", &["-t", "ext4", "-o", "loop", &file, &folder]).await
    }

    async fn unmount(&mut self, run: &Run) -> Tried<()> {
        for folder in [&self.mounted_at, &self.served_at] {
            let folder = folder.display().to_string();
            let deadline = Deadline::after(Duration::from_secs(10));
            // Those who used it may still be on their way out, and so may the loop device.
            while let Err(error) = command(run, "umount", &[&folder]).await {
                if deadline.passed() {
                    return Err(error);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        if let Some(session) = self.session.take() {
            session.join()?;
        }
        Ok(())
    }

    fn surface(&self) -> MutexGuard<'_, Surface> {
        lock(&self.surface)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // In a mount namespace of our own, which ends with us; this is for the parts that come after.
        for folder in [&self.mounted_at, &self.served_at] {
            let mut umount = std::process::Command::new("umount");
            umount.arg("-l").arg(folder);
            let _ = umount.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

async fn command(run: &Run, program: &str, arguments: &[&str]) -> Tried<()> {
    let mut command = run.program(program);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = Running::start(program, command)?;
    let mut said = String::new();
    if let Some(mut errors) = running.child().stderr.take() {
        tokio::io::AsyncReadExt::read_to_string(&mut errors, &mut said).await?;
    }
    let status = running.wait().await?;
    if status.success() {
        return Ok(());
    }
    Err(format!(
        "{program} {}: {status}: {}",
        arguments.join(" "),
        said.trim()
    )
    .into())
}

/// What is on it.
struct Surface {
    /// As whoever reads sees it.
    seen: Vec<u8>,
    /// As it is without power.
    durable: Vec<u8>,
    /// What was written since the last flush, in order.
    cache: Vec<(usize, Vec<u8>)>,
    power: bool,
    /// The power goes when there is something to flush.
    cut_at_flush: bool,
    failing: bool,
    slow: Duration,
}

impl Surface {
    /// An image, most of which is empty.
    fn read(image: &Path, size: usize) -> Tried<Surface> {
        let (mut seen, mut durable) = (vec![0; size], vec![0; size]);
        let (mut file, mut at, mut piece) = (fs::File::open(image)?, 0, vec![0; 65_536]);
        while at < size {
            file.read_exact(&mut piece)?;
            // Memory that is not written to is not used.
            if piece.iter().any(|byte| *byte != 0) {
                seen[at..at + piece.len()].copy_from_slice(&piece);
                durable[at..at + piece.len()].copy_from_slice(&piece);
            }
            at += piece.len();
        }
        Ok(Surface {
            seen,
            durable,
            cache: Vec::new(),
            power: true,
            cut_at_flush: false,
            failing: false,
            slow: Duration::ZERO,
        })
    }

    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), Errno> {
        if self.failing {
            return Err(Errno::EIO);
        }
        let end = at + bytes.len();
        if end > self.seen.len() {
            return Err(Errno::ENOSPC);
        }
        // Without power nobody is there to notice that nothing arrives.
        if self.power {
            self.seen[at..end].copy_from_slice(bytes);
            self.cache.push((at, bytes.to_vec()));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Errno> {
        self.power &= !self.cut_at_flush || self.cache.is_empty();
        // Without power nobody would hear anything; but somebody is still there, and must not hear that it was done.
        if self.failing || !self.power {
            return Err(Errno::EIO);
        }
        for (at, bytes) in self.cache.drain(..) {
            self.durable[at..at + bytes.len()].copy_from_slice(&bytes);
        }
        Ok(())
    }

    fn lose_power(&mut self, chance: &mut Chance) -> Cut {
        self.power = false;
        self.cut_at_flush = false;
        // Of a hundred sectors so many survive: none, some, most.
        let survive = *chance.one_of(&[0, 0, 50, 95]);
        let mut cut = Cut::default();
        let cache = std::mem::take(&mut self.cache);
        for (at, bytes) in &cache {
            let (mut at, mut bytes) = (*at, bytes.as_slice());
            while !bytes.is_empty() {
                let (sector, rest) = bytes.split_at(bytes.len().min(SECTOR - at % SECTOR));
                cut.unflushed += 1;
                if chance.between(0, 99) < survive {
                    self.durable[at..at + sector.len()].copy_from_slice(sector);
                } else {
                    cut.lost += 1;
                }
                (at, bytes) = (at + sector.len(), rest);
            }
        }
        for (at, bytes) in &cache {
            let these = *at..at + bytes.len();
            self.seen[these.clone()].copy_from_slice(&self.durable[these]);
        }
        cut
    }
}

/// The one file that is served.
struct Served {
    surface: Arc<Mutex<Surface>>,
}

impl Served {
    fn attributes(&self, inode: INodeNo) -> Option<FileAttr> {
        let (kind, size, perm) = match inode {
            INodeNo::ROOT => (FileType::Directory, 0, 0o755),
            FILE => (FileType::RegularFile, lock(&self.surface).seen.len(), 0o600),
            _ => return None,
        };
        Some(FileAttr {
            ino: inode,
            size: size as u64,
            blocks: size.div_ceil(512) as u64,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }
}

/// Nothing about the file ever changes but its contents.
const FOR_GOOD: Duration = Duration::from_secs(3600);

impl Filesystem for Served {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.attributes(FILE) {
            Some(file) if parent == INodeNo::ROOT && name == NAME => {
                reply.entry(&FOR_GOOD, &file, Generation(0));
            }
            _ => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(inode) {
            Some(attributes) => reply.attr(&FOR_GOOD, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let surface = lock(&self.surface);
        let from = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(surface.seen.len());
        let to = (from + size as usize).min(surface.seen.len());
        reply.data(&surface.seen[from..to]);
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        match lock(&self.surface).write(at, bytes) {
            Ok(()) => reply.written(u32::try_from(bytes.len()).unwrap_or_default()),
            Err(error) => reply.error(error),
        }
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let slow = lock(&self.surface).slow;
        if !slow.is_zero() {
            std::thread::sleep(slow);
        }
        match lock(&self.surface).flush() {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // Somebody closed it: that flushes nothing.
        reply.ok();
    }
}

fn lock(surface: &Mutex<Surface>) -> MutexGuard<'_, Surface> {
    surface.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface() -> Surface {
        Surface {
            seen: vec![0; 8 * SECTOR],
            durable: vec![0; 8 * SECTOR],
            cache: Vec::new(),
            power: true,
            cut_at_flush: false,
            failing: false,
            slow: Duration::ZERO,
        }
    }

    #[test]
    fn a_cut_never_takes_what_was_flushed_and_may_take_what_was_not() {
        let (mut lost, mut survived) = (0, 0);
        for seed in 0..50 {
            let mut disk = surface();
            disk.write(0, &[1; 1024]).unwrap();
            disk.flush().unwrap();
            disk.write(1024, &[2; 3 * SECTOR]).unwrap();
            assert_eq!(disk.seen[1024], 2);
            let cut = disk.lose_power(&mut Chance::new(seed));
            assert_eq!(cut.unflushed, 4, "it begins and ends in the middle of one");
            lost += cut.lost;
            survived += cut.unflushed - cut.lost;
            assert!(disk.durable[..1024].iter().all(|byte| *byte == 1));
            assert_eq!(disk.seen, disk.durable);
        }
        assert!(lost > 0 && survived > 0, "{lost} {survived}");
    }

    #[test]
    fn without_power_nothing_arrives() {
        let mut disk = surface();
        disk.lose_power(&mut Chance::new(1));
        disk.write(0, &[1; 512]).unwrap();
        assert_eq!(disk.flush(), Err(Errno::EIO));
        assert!(disk.seen.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn the_power_goes_between_a_write_and_its_flush() {
        let mut disk = surface();
        disk.cut_at_flush = true;
        disk.flush().unwrap();
        disk.write(0, &[1; 512]).unwrap();
        assert_eq!(disk.flush(), Err(Errno::EIO));
        assert!(disk.durable.iter().all(|byte| *byte == 0));
        assert_eq!(disk.lose_power(&mut Chance::new(1)).unflushed, 1);
    }
}
