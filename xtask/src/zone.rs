//! A time zone in which it is daytime now: texts go out between 8:00 and 21:00 only, and what is tried
//! here has to work at any hour.

use crate::time;

/// Where the business and its visitors are: Phoenix, as everywhere, while it is day there; else the
/// zone where it is noon.
pub fn by_day() -> String {
    at(time::wall_ms() / 3_600_000.0)
}

fn at(hours: f64) -> String {
    let utc = hours.rem_euclid(24.0);
    // Arizona keeps standard time all year.
    let phoenix = (utc - 7.0).rem_euclid(24.0);
    if (8.0..20.0).contains(&phoenix) {
        return "America/Phoenix".to_owned();
    }
    // POSIX counts west of Greenwich as positive.
    match (utc - 12.0).floor() as i32 {
        0 => "Etc/GMT".to_owned(),
        west => format!("Etc/GMT{west:+}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_day_wherever_we_are() {
        assert_eq!(at(19.0), "America/Phoenix");
        assert_eq!(at(6.5), "Etc/GMT-6");
        for quarter in 0..96 {
            let utc = f64::from(quarter) / 4.0;
            let zone = at(utc);
            let offset: f64 = match zone.as_str() {
                "America/Phoenix" => -7.0,
                "Etc/GMT" => 0.0,
                other => -other.trim_start_matches("Etc/GMT").parse::<f64>().unwrap(),
            };
            let local = (utc + offset).rem_euclid(24.0);
            assert!((8.0..20.5).contains(&local), "{utc}: {zone} has {local}");
        }
    }
}
