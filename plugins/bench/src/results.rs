//! The tables of finished cells, `results.csv` and `results.parquet`, written as cells end.
//!
//! A line of CSV is written with each cell. A Parquet file can only be read once it is closed, and
//! nothing can be added to it afterwards: it grows as `results.parquet.part`, a row group of
//! [`GROUP`] rows at a time, and gets its name when it is closed. Both begin with what earlier goes
//! finished, so that a file that was never closed loses nothing.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};

use crate::{
    store::Record,
    table::{Kind, Value, columns, csv_head, csv_line, row},
};

/// The most rows of a row group; so many rows wait in memory at most.
const GROUP: usize = 1024;

/// The open tables of a bench.
pub struct Results {
    csv: File,
    parquet: SerializedFileWriter<File>,
    part: PathBuf,
    path: PathBuf,
    /// Rows that wait to become a row group, by column.
    waiting: Vec<Waiting>,
    n_waiting: usize,
}

/// Values of a column; where there may be nothing, a level of 1 or 0 says whether there is something.
enum Waiting {
    Text(Vec<ByteArray>),
    MaybeText(Vec<ByteArray>, Vec<i16>),
    Whole(Vec<i64>),
    MaybeNumber(Vec<f64>, Vec<i16>),
}

impl Results {
    /// The CSV file in the folder `dir`.
    pub fn csv_path(dir: &Path) -> PathBuf {
        dir.join("results.csv")
    }

    /// The Parquet file in the folder `dir`.
    pub fn parquet_path(dir: &Path) -> PathBuf {
        dir.join("results.parquet")
    }

    /// Begins both tables in `dir` with the cells that are `known` already.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn begin(dir: &Path, known: &[Record]) -> io::Result<Self> {
        let mut csv = File::create(Self::csv_path(dir))?;
        csv.write_all(csv_head().as_bytes())?;
        let path = Self::parquet_path(dir);
        let part = path.with_extension("parquet.part");
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let schema = schema().map_err(io_error)?;
        let file = File::create(&part)?;
        let parquet = SerializedFileWriter::new(file, schema, Arc::new(properties));
        let mut results = Self {
            csv,
            parquet: parquet.map_err(io_error)?,
            part,
            path,
            waiting: columns()
                .into_iter()
                .map(|(_, kind)| Waiting::new(kind))
                .collect(),
            n_waiting: 0,
        };
        for record in known {
            results.push(record)?;
        }
        Ok(results)
    }

    /// Adds a finished cell.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn push(&mut self, record: &Record) -> io::Result<()> {
        self.csv.write_all(csv_line(record).as_bytes())?;
        for (column, value) in self.waiting.iter_mut().zip(row(record)) {
            column.push(value);
        }
        self.n_waiting += 1;
        if self.n_waiting == GROUP {
            self.write_group().map_err(io_error)?;
        }
        Ok(())
    }

    /// Closes both tables.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        if self.n_waiting > 0 {
            self.write_group().map_err(io_error)?;
        }
        self.parquet.finish().map_err(io_error)?;
        self.parquet.inner().sync_data()?;
        fs::rename(&self.part, &self.path)?;
        self.csv.sync_data()
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.parquet.next_row_group()?;
        for column in &mut self.waiting {
            column.write(&mut group)?;
        }
        group.close()?;
        self.n_waiting = 0;
        Ok(())
    }
}

impl Waiting {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Vec::new()),
            Kind::MaybeText => Self::MaybeText(Vec::new(), Vec::new()),
            Kind::Whole => Self::Whole(Vec::new()),
            Kind::MaybeNumber => Self::MaybeNumber(Vec::new(), Vec::new()),
        }
    }

    fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Text(values), Value::Text(text)) => values.push(text.into()),
            // The schema says that there is no sign.
            (Self::Whole(values), Value::Whole(number)) => values.push(number.cast_signed()),
            (Self::MaybeText(values, levels), Value::Text(text)) => {
                values.push(text.into());
                levels.push(1);
            }
            (Self::MaybeNumber(values, levels), Value::Number(number)) => {
                values.push(number);
                levels.push(1);
            }
            (Self::MaybeText(_, levels) | Self::MaybeNumber(_, levels), Value::Nothing) => {
                levels.push(0);
            }
            (_, value) => unreachable!("{value:?} is in a column of another kind. This is a bug."),
        }
    }

    /// Writes what waits and forgets it.
    fn write(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, File>,
    ) -> Result<(), ParquetError> {
        match self {
            Self::Text(values) => write_column::<ByteArrayType>(group, values, None),
            Self::MaybeText(values, levels) => {
                write_column::<ByteArrayType>(group, values, Some(levels))
            }
            Self::Whole(values) => write_column::<Int64Type>(group, values, None),
            Self::MaybeNumber(values, levels) => {
                write_column::<DoubleType>(group, values, Some(levels))
            }
        }
    }
}

fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &mut Vec<T::T>,
    levels: Option<&mut Vec<i16>>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("the schema has too few columns".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    let given = levels.as_ref().map(|levels| levels.as_slice());
    column.typed::<T>().write_batch(values, given, None)?;
    column.close()?;
    values.clear();
    if let Some(levels) = levels {
        levels.clear();
    }
    Ok(())
}

/// The columns of [`columns`], in Parquet's types.
fn schema() -> Result<TypePtr, ParquetError> {
    let of_column = |(name, kind): (&str, Kind)| {
        let (physical, logical, repetition) = match kind {
            Kind::Text => (
                Physical::BYTE_ARRAY,
                Some(LogicalType::String),
                Repetition::REQUIRED,
            ),
            Kind::MaybeText => (
                Physical::BYTE_ARRAY,
                Some(LogicalType::String),
                Repetition::OPTIONAL,
            ),
            Kind::Whole => {
                let unsigned = LogicalType::integer(64, false);
                (Physical::INT64, Some(unsigned), Repetition::REQUIRED)
            }
            Kind::MaybeNumber => (Physical::DOUBLE, None, Repetition::OPTIONAL),
        };
        let column = Type::primitive_type_builder(name, physical)
            .with_logical_type(logical)
            .with_repetition(repetition);
        column.build().map(Arc::new)
    };
    let fields = columns()
        .into_iter()
        .map(of_column)
        .collect::<Result<_, _>>()?;
    Ok(Arc::new(
        Type::group_type_builder("cells")
            .with_fields(fields)
            .build()?,
    ))
}

fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}
