//! The date that `strftime_now` writes. It never comes from the clock.

use std::fmt;
use std::str::FromStr;

use crate::budget;
use crate::error::{Error, Result};

const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A day of the Gregorian calendar at midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Default for Date {
    /// 26 July 2024, which templates of the Llama 3 family write where they find no clock.
    fn default() -> Self {
        Self { year: 2024, month: 7, day: 26 }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = String;

    /// Reads `YYYY-MM-DD`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("found {text:?}, expected a date as YYYY-MM-DD");
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts.as_slice() else { return Err(wrong()) };
        let number = |part: &str, len: usize| {
            let digits = part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u32>().ok()).flatten().ok_or_else(wrong)
        };
        let date = Self { year: number(year, 4)?, month: number(month, 2)?, day: number(day, 2)? };
        let valid = date.year > 0
            && (1..=12).contains(&date.month)
            && (1..=days_in(date.year, date.month)).contains(&date.day);
        if valid { Ok(date) } else { Err(wrong()) }
    }
}

fn leap(year: u32) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

impl Date {
    /// The day of the year, from 1.
    fn ordinal(self) -> u32 {
        (1..self.month).map(|month| days_in(self.year, month)).sum::<u32>() + self.day
    }

    /// The day of the week, from 0 for Sunday.
    fn weekday(self) -> u32 {
        let before = self.year - 1;
        (before * 365 + before / 4 - before / 100 + before / 400 + self.ordinal()) % 7
    }

    /// The year and the week of ISO 8601.
    fn iso_week(self) -> (u32, u32) {
        let monday = (self.weekday() + 6) % 7;
        let week = (self.ordinal() + 9 - monday) / 7;
        let weeks = |year: u32| {
            let first = Self { year, month: 1, day: 1 }.weekday();
            if first == 4 || (first == 3 && leap(year)) { 53 } else { 52 }
        };
        if week == 0 {
            (self.year - 1, weeks(self.year - 1))
        } else if week > weeks(self.year) {
            (self.year + 1, 1)
        } else {
            (self.year, week)
        }
    }

    /// Formats the date as C's `strftime` in the locale C, at midnight.
    pub(crate) fn format(&self, format: &str) -> Result<String> {
        let mut out = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let mut flag = None;
            let mut code = chars.next();
            while let Some(c) =
                code.filter(|c| matches!(c, '-' | '_' | '0' | '^' | '#' | 'E' | 'O'))
            {
                flag = Some(c).filter(|c| !matches!(c, 'E' | 'O')).or(flag);
                code = chars.next();
            }
            match code {
                Some(code) => {
                    budget::charge(1)?;
                    out.push_str(&self.field(code, flag)?);
                }
                None => out.push('%'),
            }
        }
        Ok(out)
    }

    fn field(self, code: char, flag: Option<char>) -> Result<String> {
        let number = |value: u32, width: usize, pad: char| {
            let pad = match flag {
                Some('-') => return value.to_string(),
                Some('_') => ' ',
                Some('0') => '0',
                _ => pad,
            };
            if pad == '0' { format!("{value:0width$}") } else { format!("{value:width$}") }
        };
        let name = |name: &str| match flag {
            Some('^' | '#') => name.to_uppercase(),
            _ => name.to_owned(),
        };
        let (day, month) = (DAYS[self.weekday() as usize], MONTHS[self.month as usize - 1]);
        let nested = |format: &str| self.format(format);
        Ok(match code {
            'Y' => number(self.year, 1, '0'),
            'C' => number(self.year / 100, 2, '0'),
            'y' => number(self.year % 100, 2, '0'),
            'm' => number(self.month, 2, '0'),
            'd' => number(self.day, 2, '0'),
            'e' => number(self.day, 2, ' '),
            'j' => number(self.ordinal(), 3, '0'),
            'H' | 'M' | 'S' => number(0, 2, '0'),
            'k' => number(0, 2, ' '),
            'I' => number(12, 2, '0'),
            'l' => number(12, 2, ' '),
            'f' => "000000".to_owned(),
            'p' => (if flag == Some('#') { "am" } else { "AM" }).to_owned(),
            'P' => "am".to_owned(),
            'a' => name(&day[..3]),
            'A' => name(day),
            'b' | 'h' => name(&month[..3]),
            'B' => name(month),
            'u' => number((self.weekday() + 6) % 7 + 1, 1, '0'),
            'w' => number(self.weekday(), 1, '0'),
            'U' => number((self.ordinal() + 6 - self.weekday()) / 7, 2, '0'),
            'W' => number((self.ordinal() + 6 - (self.weekday() + 6) % 7) / 7, 2, '0'),
            'G' => number(self.iso_week().0, 4, '0'),
            'g' => number(self.iso_week().0 % 100, 2, '0'),
            'V' => number(self.iso_week().1, 2, '0'),
            'c' => nested("%a %b %e %H:%M:%S %Y")?,
            'x' | 'D' => nested("%m/%d/%y")?,
            'X' | 'T' => nested("%H:%M:%S")?,
            'R' => nested("%H:%M")?,
            'r' => nested("%I:%M:%S %p")?,
            'F' => nested("%Y-%m-%d")?,
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            '%' => "%".to_owned(),
            // A time without a zone.
            'z' | 'Z' => String::new(),
            's' => return Err(Error::value("strftime_now: %s depends on the time zone")),
            other => format!("%{}{other}", flag.map(String::from).unwrap_or_default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn fields_are_those_of_strftime() {
        let date: Date = "2024-07-26".parse().expect("a date");
        for (format, expected) in [
            ("%Y-%m-%d", "2024-07-26"),
            ("%d %b %Y", "26 Jul 2024"),
            ("%A, %B %-d", "Friday, July 26"),
            ("%a %j %U %W %V %G %u %w %y %C", "Fri 208 29 30 30 2024 5 5 24 20"),
            ("%c|%x|%X|%p|%I", "Fri Jul 26 00:00:00 2024|07/26/24|00:00:00|AM|12"),
            ("100%% %e", "100% 26"),
        ] {
            assert_eq!(date.format(format).expect(format), expected);
        }
        let new_year: Date = "2021-01-01".parse().expect("a date");
        assert_eq!(new_year.format("%G-W%V-%u %A").expect("formats"), "2020-W53-5 Friday");
    }

    #[test]
    fn only_days_of_the_calendar_are_read() {
        assert_eq!(Date::default().to_string(), "2024-07-26");
        for text in
            ["2023-02-29", "2024-13-01", "24-01-01", "2024-1-1", "", "0000-01-01", "2024-01-01 "]
        {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
