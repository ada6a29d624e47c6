//! Figures: medians with their spread, and whether a target is met.

use crate::Plan;

/// Values of the rounds of one thing.
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// Round by round: `a` divided by the `b` of the same round.
    pub fn ratios(a: &[f64], b: &[f64]) -> Self {
        Self::new(a.iter().zip(b).map(|(a, b)| a / b).collect())
    }

    pub fn median(&self) -> f64 {
        match self.0.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => self.0[count / 2],
            count => f64::midpoint(self.0[count / 2 - 1], self.0[count / 2]),
        }
    }

    fn spread(&self) -> String {
        match self.0.as_slice() {
            [first, .., last] => format!("{}–{}", short(*first), short(*last)),
            _ => "one value".to_owned(),
        }
    }
}

#[derive(Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Nothing is promised; it is told for comparison.
    None,
}

impl Target {
    fn words(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::AtMost(most) => format!("≤ {most}"),
            Self::None => "–".to_owned(),
        }
    }

    fn verdict(self, value: f64) -> &'static str {
        let is_met = match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
            Self::None => return "indicative",
        };
        if is_met { "target met" } else { "target NOT met" }
    }
}

struct Figure {
    name: String,
    samples: Samples,
    target: Target,
    note: String,
}

#[derive(Default)]
pub struct Report(Vec<Figure>);

impl Report {
    pub fn add(&mut self, name: impl Into<String>, samples: Samples, target: Target, note: impl Into<String>) {
        let figure = Figure { name: name.into(), samples, target, note: note.into() };
        eprintln!("{}", figure.line());
        self.0.push(figure);
    }

    pub fn print(&self, plan: &Plan) {
        println!(
            "{} rounds of {} s, {} connections; ratios within a round, median (min–max)\n",
            plan.rounds, plan.seconds, plan.connections
        );
        println!("| figure | median | min–max | target | | absolute |\n|---|---|---|---|---|---|");
        for figure in &self.0 {
            println!("{}", figure.line());
        }
    }
}

impl Figure {
    fn line(&self) -> String {
        let median = self.samples.median();
        let (spread, target, verdict) = (self.samples.spread(), self.target.words(), self.target.verdict(median));
        format!("| {} | {} | {spread} | {target} | {verdict} | {} |", self.name, short(median), self.note)
    }
}

/// Three digits that matter, or a whole number.
pub fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}
