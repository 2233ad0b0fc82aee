//! CPU clocks of threads: has a worker used the processor since we last looked?
//!
//! Owns: the operating-system branches. Called by: `sched::sentry`. Threads: a clock is made on its
//! own thread and read on any other while that thread lives (a dead one reads as standing still).
//! Where a system has no such clock, `now` is always new, which counts as busy: no spare starts.

use std::time::Duration;

/// The CPU clock of one thread, as a plain number that may be kept in an atomic. 0 means none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuClock(pub u64);

#[cfg(target_os = "linux")]
impl CpuClock {
    /// The clock of the calling thread.
    pub fn of_current_thread() -> Self {
        let mut id: libc::clockid_t = 0;
        // SAFETY: pthread_self is alive; `id` is written on success only.
        let status = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut id) };
        // Clock numbers of threads are negative; the upper bit marks "there is one".
        CpuClock(if status == 0 { (1 << 63) | u64::from(id as u32) } else { 0 })
    }

    /// CPU time used so far; None when the thread is gone or there is no clock.
    pub fn now(self) -> Option<Duration> {
        if self.0 == 0 {
            return None;
        }
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: an unknown clock is reported as an error; `time` is ours.
        let status = unsafe { libc::clock_gettime(self.0 as u32 as libc::clockid_t, &mut time) };
        (status == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }

    /// Whether the thread is ready to run, though a loaded machine may not let it.
    pub fn is_runnable(self) -> bool {
        // The kernel's number of a thread is in its clock's: the complement, shifted by three bits.
        let thread = !((self.0 as u32 as i32) >> 3);
        self.0 != 0
            && std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).is_ok_and(|stat| {
                stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('R'))
            })
    }
}

#[cfg(not(target_os = "linux"))]
impl CpuClock {
    /// Whether the thread is ready to run; not known here, so only its clock counts.
    pub fn is_runnable(self) -> bool {
        false
    }
}

#[cfg(target_os = "macos")]
impl CpuClock {
    /// The clock of the calling thread: its Mach port.
    pub fn of_current_thread() -> Self {
        // SAFETY: no preconditions.
        CpuClock(
            (1 << 63) | u64::from(unsafe { libc::pthread_mach_thread_np(libc::pthread_self()) }),
        )
    }

    /// CPU time used so far; None when the thread is gone or there is no clock.
    #[allow(deprecated)]
    pub fn now(self) -> Option<Duration> {
        // SAFETY: an all-zero thread_basic_info is valid; thread_info checks port and size.
        unsafe {
            let mut info: libc::thread_basic_info = std::mem::zeroed();
            let mut count = libc::THREAD_BASIC_INFO_COUNT;
            let status = libc::thread_info(
                self.0 as u32,
                libc::THREAD_BASIC_INFO as u32,
                (&mut info as *mut libc::thread_basic_info).cast(),
                &mut count,
            );
            let part = |time: libc::time_value_t| {
                Duration::new(time.seconds as u64, time.microseconds as u32 * 1000)
            };
            (self.0 != 0 && status == libc::KERN_SUCCESS)
                .then(|| part(info.user_time) + part(info.system_time))
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
impl CpuClock {
    /// There is no clock that another thread could read.
    pub fn of_current_thread() -> Self {
        CpuClock(1)
    }

    /// Always new, hence "busy".
    pub fn now(self) -> Option<Duration> {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_running_thread_is_runnable() {
        assert!(CpuClock::of_current_thread().is_runnable());
        assert!(!CpuClock(0).is_runnable());
    }

    #[test]
    fn a_busy_thread_moves_its_clock_and_a_dead_one_does_not_crash() {
        let clock = std::thread::spawn(|| {
            let clock = CpuClock::of_current_thread();
            let before = clock.now().expect("a live thread has a clock");
            while clock.now().expect("still alive") < before + Duration::from_millis(2) {
                std::hint::spin_loop();
            }
            clock
        })
        .join()
        .expect("the thread ends");
        let _ = clock.now();
    }
}
