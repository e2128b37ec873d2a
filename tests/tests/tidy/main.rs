//! Checks of the tree: what docs/src/architecture.md says about layers, sizes and places, read off the files.
//!
//! Every rule is a function from files to findings, with its own tests beside it that show it bite; the tests here run
//! the rules on this tree. A failure names file, line, rule and what to do.
//! It reads files only: no network, no build, nothing written.

mod citations;
mod docs;
mod finding;
mod layers;
mod lock;
mod places;
mod rows;
mod sizes;
mod source;
mod steps;
mod tree;
mod words;

use finding::Finding;
use tree::Tree;

/// Fails with one paragraph a finding.
fn demand_none(findings: &[Finding]) {
    let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} findings\n\n{}\n", list.len(), list.join("\n"));
}

#[test]
fn a_folder_uses_lower_levels_only() {
    demand_none(&layers::check_levels(&Tree::read().unwrap()));
}

#[test]
fn a_foreign_crate_is_named_in_its_home_only() {
    demand_none(&layers::check_homes(&Tree::read().unwrap()));
}

#[test]
fn files_and_functions_are_short() {
    demand_none(&sizes::check(&Tree::read().unwrap()));
}

#[test]
fn every_rust_file_starts_with_its_head() {
    demand_none(&words::check_heads(&Tree::read().unwrap()));
}

#[test]
fn nothing_unfinished_and_nothing_of_one_machine_is_in_the_tree() {
    demand_none(&words::check_words(&Tree::read().unwrap()));
}

#[test]
fn every_step_of_the_specification_is_in_code_and_in_a_test() {
    demand_none(&steps::check(&Tree::read().unwrap()));
}

#[test]
fn a_kind_of_row_belongs_to_one_record() {
    demand_none(&rows::check(&Tree::read().unwrap()));
}

#[test]
fn the_top_level_holds_what_it_should() {
    demand_none(&places::check_top_level(&tree::top_level().unwrap()));
}

#[test]
fn a_mod_file_holds_docs_mod_lines_and_re_exports() {
    demand_none(&places::check_mod_files(&Tree::read().unwrap()));
}

#[test]
fn the_protocol_crate_stands_on_no_runtime_network_store_or_command_line() {
    demand_none(&lock::check(&Tree::read().unwrap()).unwrap());
}

#[test]
fn every_page_is_in_the_summary_and_every_link_leads_somewhere() {
    demand_none(&docs::check(&Tree::read().unwrap()));
}

#[test]
fn what_a_comment_cites_is_in_the_book() {
    demand_none(&citations::check(&Tree::read().unwrap()));
}
