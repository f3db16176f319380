//! axe-core in a page: what would keep somebody with a disability from using it (WCAG 2.2 A and AA).

use serde_json::Value;

use super::scene::Scene;
use crate::Tried;
use crate::browser::Frame;

/// Every violation in the document as it stands now: rule, what to do, where.
pub async fn violations(scene: &Scene<'_>, page: &Frame) -> Tried<Vec<String>> {
    let axe = std::fs::read_to_string(scene.root.join("e2e/axe-core/axe.min.js"))?;
    page.still().await?;
    page.run(&axe).await?;
    let found = page
        .evaluate(
            "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], iframes: false })
               .then(({ violations }) => violations.map((v) =>
                 `${v.id}: ${v.help} (${v.nodes.length}): ${v.nodes[0].html.slice(0, 160)}`))",
        )
        .await?;
    let found = found.as_array().ok_or("axe answers with a list")?;
    Ok(found
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect())
}

/// Fails when there is any.
pub async fn none(scene: &Scene<'_>, page: &Frame, name: &str) -> Tried<()> {
    let found = violations(scene, page).await?;
    if found.is_empty() {
        Ok(())
    } else {
        Err(format!("{name}: {}", found.join("; ")).into())
    }
}
